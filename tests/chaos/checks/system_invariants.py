"""What is promised of files, processes and answers."""

from tests.chaos.checks.evidence import Evidence, Found
from tests.chaos.cluster.cluster import STOP_SECONDS
from tests.chaos.load.answers import fault_of


def files_and_rows_agree(evidence: Evidence) -> Found:
    """Nothing is left, and nothing is missing."""
    for key in sorted(evidence.store.kept - evidence.store.named):
        yield key, "lies there, and no row names it"
    for key in sorted(evidence.store.named - evidence.store.kept):
        yield key, "is named by a row, and is not there"


def processes_have_parents(evidence: Evidence) -> Found:
    """No orphan."""
    for stray in evidence.strays:
        yield stray, "descends from no living part of the service"


def parts_end_by_faults_alone(evidence: Evidence) -> Found:
    """And soon, where they were asked."""
    for part in evidence.parts:
        for life in part.lives:
            if life.ended is not None and life.struck is None:
                yield part.name, f"ended by itself at {life.ended:.1f} s (status {life.status})"
            elif life.struck and (life.ended or life.struck) - life.struck > STOP_SECONDS:
                yield part.name, f"was told to end at {life.struck:.1f} s, ended {life.ended:.1f} s"


def clients_are_answered_well(evidence: Evidence) -> Found:
    """No 500 and no silence; 503 and 507 in their time and form."""
    for answer in evidence.answers:
        fault = fault_of(answer, evidence.circumstances)
        if fault is not None:
            yield f"{answer.request} at {answer.until:.1f} s", f"{fault}: {answer}"
    for record in evidence.records:
        for fault in record.faults:
            yield record.job or record.scenario.key, fault
