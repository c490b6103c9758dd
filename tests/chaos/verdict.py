"""Every breach of every law."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos import laws_of_lives, laws_of_results, laws_of_surroundings
from tests.chaos.evidence import Evidence, Found

LAWS: tuple[Callable[[Evidence], Found], ...] = (
    laws_of_lives.accepted_jobs_are_there_once,
    laws_of_lives.jobs_end,
    laws_of_lives.jobs_end_as_their_clients_asked,
    laws_of_lives.lives_are_lawful,
    laws_of_lives.events_have_no_gap,
    laws_of_results.successes_have_one_model,
    laws_of_results.histories_are_whole,
    laws_of_results.results_equal_the_undisturbed,
    laws_of_results.files_match_their_hashes,
    laws_of_surroundings.files_and_rows_agree,
    laws_of_surroundings.processes_have_parents,
    laws_of_surroundings.parts_end_by_blows_alone,
    laws_of_surroundings.clients_are_answered_well,
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
    for law in LAWS:
        for subject, detail in law(evidence):
            yield Violation(law.__name__, subject, detail)
