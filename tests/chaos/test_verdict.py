"""Each invariant is broken on purpose, and its check finds that."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.chaos.checks.evidence import Evidence, gather
from tests.chaos.checks.reference import References, train_references
from tests.chaos.checks.verdict import INVARIANTS, find_violations
from tests.chaos.cluster.cluster import Cluster, Size
from tests.chaos.cluster.timeline import Timeline
from tests.chaos.faults.damage import overwrite_file, rewrite_rows, start_orphan
from tests.chaos.load.answers import Answer, Answers, Circumstances
from tests.chaos.load.client import Client
from tests.chaos.load.http_client import HttpClient
from tests.chaos.load.scenarios import Record, Scenario
from tests.chaos.load.sweeper import Sweeper, SweepRecord, draw_sweeps
from tests.chaos.load.workloads import WORKLOADS

pytestmark = pytest.mark.slow

JOB = "(SELECT id FROM jobs WHERE metadata::json ->> 'scenario' = 'first')"
LAST_STEP = f"(SELECT max(sequence) FROM events WHERE job_id = {JOB} AND type = 'state')"


def _copy_row(table: str, kind: str) -> str:
    """A statement that copies a row of the first job under another id."""
    new = f"""'{{"id": "{kind}_00000000000000000000000000"}}'"""
    mine = f"id = {JOB}" if table == "jobs" else f"job_id = {JOB}"
    record = f"jsonb_populate_record(NULL::{table}, to_jsonb({table}) || {new})"
    return f"INSERT INTO {table} SELECT ({record}).* FROM {table} WHERE {mine}"


STATEMENTS = [
    ("accepted_jobs_exist_once", f"DELETE FROM jobs WHERE id = {JOB}"),
    ("accepted_jobs_exist_once", _copy_row("jobs", "job")),
    ("jobs_end", f"UPDATE jobs SET state = 'running' WHERE id = {JOB}"),
    ("jobs_end", f"UPDATE jobs SET state = 'queued' WHERE id = {JOB}"),
    ("jobs_end_as_their_clients_asked", f"UPDATE jobs SET state = 'failed' WHERE id = {JOB}"),
    ("jobs_end_as_their_clients_asked", f"UPDATE jobs SET state = 'cancelled' WHERE id = {JOB}"),
    (
        "transitions_are_allowed",
        "INSERT INTO events SELECT job_id, sequence + 1, owner, at, type, data FROM events "
        f"WHERE job_id = {JOB} AND sequence = {LAST_STEP}",
    ),
    ("transitions_are_allowed", f"UPDATE jobs SET attempt = attempt + 1 WHERE id = {JOB}"),
    ("events_have_no_gap", f"DELETE FROM events WHERE job_id = {JOB} AND sequence = 3"),
    (
        "events_have_no_gap",
        f"UPDATE events SET at = at - interval '1 second' WHERE job_id = {JOB} AND sequence = 1",
    ),
    ("succeeded_jobs_have_one_model", _copy_row("models", "model")),
    ("succeeded_jobs_have_one_model", f"DELETE FROM models WHERE job_id = {JOB}"),
    ("histories_are_complete", f"DELETE FROM epochs WHERE job_id = {JOB} AND epoch = 2"),
    (
        "results_equal_the_references",
        "UPDATE epochs SET metrics = jsonb_set(metrics::jsonb, '{loss}', '1.0000001')::text "
        f"WHERE job_id = {JOB} AND epoch = 2",
    ),
    (
        "results_equal_the_references",
        "UPDATE model_files SET sha256 = repeat('0', 64) WHERE name = 'model.safetensors'",
    ),
    ("results_equal_the_references", f"UPDATE jobs SET bit_exact = false WHERE id = {JOB}"),
    (
        "results_equal_the_references",
        f"INSERT INTO reports SELECT id, owner, '{{}}', repeat('0', 64) FROM jobs WHERE id = {JOB}",
    ),
    (
        "datasets_are_made_once",
        "INSERT INTO datasets SELECT (jsonb_populate_record(one, jsonb_build_object("
        "'id', 'dataset_' || repeat('0', 26)))).* FROM datasets AS one LIMIT 1",
    ),
    ("sweeps_end_once", "UPDATE sweeps SET state = 'failed'"),
    ("trials_are_made_once", "UPDATE trials SET job_id = NULL WHERE number = 0"),
    ("the_best_model_is_kept", "UPDATE sweeps SET best = (best + 1) % trials"),
    (
        "files_and_rows_agree",
        "DELETE FROM model_files WHERE name = 'history.json' AND model_id IN "
        f"(SELECT id FROM models WHERE job_id = {JOB})",
    ),
]


class Undisturbed:
    """A small cluster after two scenarios without faults."""

    def __init__(self, cluster: Cluster, client: HttpClient, answers: Answers) -> None:
        self.cluster = cluster
        self.client = client
        self.answers = answers
        workload = WORKLOADS[0]
        self.references: References = train_references(client, [(workload, 0)])
        user = Client(client, cluster.timeline, self.references.datasets)
        scenarios = [
            Scenario(key, workload, 0, uploads, True, None, None, 0.0, imports, infers=infers)
            for key, uploads, imports, infers in (
                ("first", False, False, False),
                ("second", True, False, True),
                ("third", False, True, False),
            )
        ]
        self.records: list[Record] = [user.run(scenario) for scenario in scenarios]
        sweeper = Sweeper(client, cluster.timeline)
        drawn = draw_sweeps(0, 1, self.references.datasets)
        self.sweeps: list[SweepRecord] = [sweeper.run(sweep) for sweep in drawn]

    def evidence(self) -> Evidence:
        return gather(
            self.cluster,
            self.client,
            self.records,
            self.references,
            Circumstances(full=[], apis={api.name: api for api in self.cluster.apis}),
            self.answers,
            self.sweeps,
        )

    def broken_invariants(self) -> set[str]:
        """The names of the invariants that do not hold; answers to this check are not kept."""
        before = list(self.answers)
        try:
            return {violation.invariant for violation in find_violations(self.evidence())}
        finally:
            self.answers.replace(before)

    def weights(self) -> str:
        """The key of the file with the first job's weights."""
        last = self.records[0].final
        assert last is not None
        return f"jobs/{last['id']}/{last['attempt']}/model.safetensors"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    timeline, answers = Timeline(is_printed=False), Answers()
    size = Size(apis=1, workers=1, reapers=0)  # a reaper would delete files that tests add
    with closing(Cluster(tmp_path_factory.mktemp("undisturbed"), timeline, size)) as cluster:
        cluster.start()
        with closing(HttpClient(cluster.apis, answers, timeline)) as client:
            yield Undisturbed(cluster, client, answers)


def test_no_invariant_is_broken_without_faults(undisturbed: Undisturbed) -> None:
    assert list(find_violations(undisturbed.evidence())) == []


@pytest.mark.parametrize(("invariant", "statement"), STATEMENTS)
def test_a_wrong_row_is_found(undisturbed: Undisturbed, invariant: str, statement: str) -> None:
    with rewrite_rows(undisturbed.cluster, statement):
        assert invariant in undisturbed.broken_invariants()


@pytest.mark.parametrize(
    ("invariant", "content"),
    [("files_match_their_hashes", b"something else"), ("files_and_rows_agree", None)],
)
def test_a_damaged_file_is_found(
    undisturbed: Undisturbed, invariant: str, content: bytes | None
) -> None:
    with overwrite_file(undisturbed.cluster, undisturbed.weights(), content):
        assert invariant in undisturbed.broken_invariants()


@pytest.mark.parametrize("key", ["jobs/job_1/1/model.keras", "scratch/attempt-1/partial-model.h5"])
def test_a_file_without_a_row_is_found(undisturbed: Undisturbed, key: str) -> None:
    with overwrite_file(undisturbed.cluster, key, b"left"):
        assert undisturbed.broken_invariants() == {"files_and_rows_agree"}


def test_an_orphan_is_found(undisturbed: Undisturbed) -> None:
    with start_orphan(undisturbed.cluster):
        assert undisturbed.broken_invariants() == {"processes_have_parents"}


def test_a_bad_answer_is_found(undisturbed: Undisturbed) -> None:
    before = list(undisturbed.answers)
    undisturbed.answers.add(Answer(1, 2, "api-0", "GET /v1/jobs", 500, "application/problem+json"))
    try:
        assert undisturbed.broken_invariants() == {"answers_are_right"}
    finally:
        undisturbed.answers.replace(before)


def test_a_part_that_ends_by_itself_is_found(undisturbed: Undisturbed) -> None:
    worker = undisturbed.cluster.workers[0]
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)  # unlike `Part.kill`, this is not recorded
    while worker.pid in (pid, None):
        time.sleep(0.05)
    assert "parts_end_by_faults_alone" in undisturbed.broken_invariants()
    worker.runs[0].signalled = worker.runs[0].ended


def test_every_invariant_is_broken_here() -> None:
    elsewhere = {
        "files_match_their_hashes",
        "processes_have_parents",
        "parts_end_by_faults_alone",
        "answers_are_right",
    }
    assert {invariant for invariant, _ in STATEMENTS} | elsewhere == {
        invariant.__name__ for invariant in INVARIANTS
    }
