"""Every breach of every law."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos.checks import job_invariants, result_invariants, system_invariants
from tests.chaos.checks.evidence import Evidence, Found

INVARIANTS: tuple[Callable[[Evidence], Found], ...] = (
    job_invariants.accepted_jobs_are_there_once,
    job_invariants.jobs_end,
    job_invariants.jobs_end_as_their_clients_asked,
    job_invariants.lives_are_lawful,
    job_invariants.events_have_no_gap,
    result_invariants.successes_have_one_model,
    result_invariants.histories_are_whole,
    result_invariants.results_equal_the_undisturbed,
    result_invariants.files_match_their_hashes,
    system_invariants.files_and_rows_agree,
    system_invariants.processes_have_parents,
    system_invariants.parts_end_by_faults_alone,
    system_invariants.clients_are_answered_well,
)


@dataclass(frozen=True)
class Violation:
    """A broken promise."""

    law: str
    """The name of the one that found it."""
    subject: str
    """A job's id, a file, a process, a request."""
    detail: str

    def __str__(self) -> str:
        return f"{self.law.replace('_', ' ')}: {self.subject}: {self.detail}"


def violations(evidence: Evidence) -> Iterator[Violation]:
    """By law."""
    for law in INVARIANTS:
        for subject, detail in law(evidence):
            yield Violation(law.__name__, subject, detail)
