"""Invariants of files, processes and answers."""

from tests.chaos.checks.evidence import Evidence, Found
from tests.chaos.cluster.cluster import STOP_SECONDS
from tests.chaos.load.answers import error_in


def files_and_rows_agree(evidence: Evidence) -> Found:
    """Each file is named by a row, and each file that a row names exists."""
    for key in sorted(evidence.store.kept - evidence.store.named):
        yield key, "exists, and no row names it"
    for key in sorted(evidence.store.named - evidence.store.kept):
        yield key, "is named by a row, and does not exist"


def processes_have_parents(evidence: Evidence) -> Found:
    """Each process descends from a running part."""
    for stray in evidence.strays:
        yield stray, "descends from no running part of the service"


def parts_end_by_faults_alone(evidence: Evidence) -> Found:
    """A part ends only if it was sent a signal, and then within `STOP_SECONDS`."""
    for part in evidence.parts:
        for run in part.runs:
            if run.ended is not None and run.signalled is None:
                yield part.name, f"ended by itself at {run.ended:.1f} s (status {run.status})"
            elif run.signalled and (run.ended or run.signalled) - run.signalled > STOP_SECONDS:
                yield (
                    part.name,
                    f"was sent a signal at {run.signalled:.1f} s, ended {run.ended:.1f} s",
                )


def answers_are_right(evidence: Evidence) -> Found:
    """Every answer is right; see `load.answers`."""
    for answer in evidence.answers:
        error = error_in(answer, evidence.circumstances)
        if error is not None:
            yield f"{answer.request} at {answer.until:.1f} s", f"{error}: {answer}"
    for record in evidence.records:
        for error in record.errors:
            yield record.job or record.scenario.key, error
