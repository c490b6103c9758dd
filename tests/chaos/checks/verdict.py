"""Checks every invariant on the evidence of a run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos.checks import (
    job_invariants,
    result_invariants,
    sweep_invariants,
    system_invariants,
)
from tests.chaos.checks.evidence import Evidence, Found

INVARIANTS: tuple[Callable[[Evidence], Found], ...] = (
    job_invariants.accepted_jobs_exist_once,
    job_invariants.jobs_end,
    job_invariants.jobs_end_as_their_clients_asked,
    job_invariants.transitions_are_allowed,
    job_invariants.events_have_no_gap,
    result_invariants.succeeded_jobs_have_one_model,
    result_invariants.datasets_are_made_once,
    result_invariants.histories_are_complete,
    result_invariants.results_equal_the_references,
    result_invariants.files_match_their_hashes,
    sweep_invariants.sweeps_end_once,
    sweep_invariants.trials_are_made_once,
    sweep_invariants.the_best_model_is_kept,
    system_invariants.files_and_rows_agree,
    system_invariants.processes_have_parents,
    system_invariants.parts_end_by_faults_alone,
    system_invariants.answers_are_right,
)


@dataclass(frozen=True)
class Violation:
    """One case in which an invariant does not hold."""

    invariant: str
    """The name of the invariant."""
    subject: str
    """The id of a job, a file, a process or a request."""
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant.replace('_', ' ')}: {self.subject}: {self.detail}"


def find_violations(evidence: Evidence) -> Iterator[Violation]:
    """Yields all violations, in the order of `INVARIANTS`."""
    for invariant in INVARIANTS:
        for subject, detail in invariant(evidence):
            yield Violation(invariant.__name__, subject, detail)
