"""Invariants of the states and events of jobs."""

import itertools
from collections import Counter

from domain.job.job import TRANSITIONS, JobState
from tests.chaos.checks.evidence import Evidence, Found


def accepted_jobs_exist_once(evidence: Evidence) -> Found:
    """Each accepted job exists once, and no other job exists."""
    by_key = Counter(job["metadata"].get("scenario") for job in evidence.jobs.values())
    for record in evidence.records:
        key = record.scenario.key
        if record.job is None:
            yield key, "was never accepted"
        elif record.job not in evidence.jobs:
            yield record.job, "was accepted and does not exist"
        elif by_key[key] != 1:
            yield record.job, f"there are {by_key[key]} jobs of {key}"
        for kind, job_id in record.list_more_jobs():
            if by_key[f"{key}-{kind}"] != 1:
                yield job_id, f"there are {by_key[f'{key}-{kind}']} jobs of {key}-{kind}"
    yield from _find_unknown_jobs(evidence)


def _find_unknown_jobs(evidence: Evidence) -> Found:
    """Finds jobs that no client has asked for."""
    known = {record.job for record in evidence.records}
    known |= {job for record in evidence.records for _, job in record.list_more_jobs()}
    known |= set(evidence.references.jobs)
    for job in evidence.jobs.keys() - known:
        if evidence.jobs[job]["sweep"] is None:  # others are named by the trials of their sweep
            yield job, "no client has the id of this job"


def jobs_end(evidence: Evidence) -> Found:
    """All jobs are in a terminal state; of the others, the lease is reported."""
    for job_id, job in evidence.jobs.items():
        if not job["is_terminal"]:
            lease = "with a lease" if job_id in evidence.leased else "without a lease"
            yield job_id, f"is {job['state']}, {lease}"


def jobs_end_as_their_clients_asked(evidence: Evidence) -> Found:
    """Each job succeeded, or was cancelled if its client requested it; none failed."""
    for record, job in evidence.with_job():
        cancelled = [status for name, status in record.actions if name == "cancel"]
        allowed = {"succeeded"} | ({"cancelled"} if 202 in cancelled else set())
        if job["is_terminal"] and job["state"] not in allowed:
            yield job["id"], f"{job['state']}: {job['error']}"
        if record.final is not None and record.final["state"] != job["state"]:
            yield job["id"], f"was seen {record.final['state']}, and is {job['state']} now"


def transitions_are_allowed(evidence: Evidence) -> Found:
    """Each transition is one of `domain.job.job.TRANSITIONS`, and the attempts are counted."""
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
            yield job_id, f"has attempt {job['attempt']}, and ran {attempts} times"


def events_have_no_gap(evidence: Evidence) -> Found:
    """Events are numbered from 1 and never change."""
    for job_id, events in evidence.events.items():
        numbers = [event["id"] for event in events]
        if numbers != list(range(1, len(numbers) + 1)):
            yield job_id, f"its events are numbered {numbers}"
    for record, job in evidence.with_job():
        if record.events != evidence.events[job["id"]][: len(record.events)]:
            yield job["id"], "its events differ from those that were read before"
