"""What is promised of a job's life."""

import itertools
from collections import Counter

from domain.job.job import TRANSITIONS, JobState
from tests.chaos.checks.evidence import Evidence, Found


def accepted_jobs_are_there_once(evidence: Evidence) -> Found:
    """Each scenario's job, and no other."""
    by_key = Counter(job["metadata"].get("scenario") for job in evidence.jobs.values())
    for record in evidence.records:
        key = record.scenario.key
        if record.job is None:
            yield key, "was never accepted"
        elif record.job not in evidence.jobs:
            yield record.job, "was accepted and is not there"
        elif by_key[key] != 1:
            yield record.job, f"there are {by_key[key]} jobs of {key}"
    known = {record.job for record in evidence.records} | set(evidence.references.jobs)
    for job in evidence.jobs.keys() - known:
        yield job, "nobody was told of this job"


def jobs_end(evidence: Evidence) -> Found:
    """All are terminal; what is not must at least be held."""
    for job_id, job in evidence.jobs.items():
        if not job["is_terminal"]:
            held = "under a live lease" if job_id in evidence.leased else "and nobody holds it"
            yield job_id, f"is {job['state']}, {held}"


def jobs_end_as_their_clients_asked(evidence: Evidence) -> Found:
    """Succeeded, or cancelled where that was asked; never failed."""
    for record, job in evidence.judged():
        cancelled = [status for name, status in record.asked if name == "cancel"]
        allowed = {"succeeded"} | ({"cancelled"} if 202 in cancelled else set())
        if job["is_terminal"] and job["state"] not in allowed:
            yield job["id"], f"{job['state']}: {job['error']}"
        if record.last is not None and record.last["state"] != job["state"]:
            yield job["id"], f"was seen {record.last['state']}, and is {job['state']} now"


def lives_are_lawful(evidence: Evidence) -> Found:
    """Each step is one of `domain.job.job.TRANSITIONS`; the end comes once."""
    for job_id, job in evidence.jobs.items():
        states = [JobState(step["state"]) for step in job["transitions"]]
        if states[:1] != [JobState.QUEUED]:
            yield job_id, f"began as {states[:1]}"
        for before, after in itertools.pairwise(states):
            if after not in TRANSITIONS[before]:
                yield job_id, f"went from {before} to {after}"
        if states and states[-1] != job["state"]:
            yield job_id, f"is {job['state']}, but its last step was {states[-1]}"
        attempts = states.count(JobState.RUNNING)
        if attempts != job["attempt"]:
            yield job_id, f"tells of attempt {job['attempt']}, and ran {attempts} times"


def events_have_no_gap(evidence: Evidence) -> Found:
    """Numbered from 1, never rewritten."""
    for job_id, events in evidence.events.items():
        numbers = [event["id"] for event in events]
        if numbers != list(range(1, len(numbers) + 1)):
            yield job_id, f"its events are numbered {numbers}"
    for record, job in evidence.judged():
        if record.events != evidence.events[job["id"]][: len(record.events)]:
            yield job["id"], "its events are others than those that were read before"
