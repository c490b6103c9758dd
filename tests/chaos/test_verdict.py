"""The harness finds what it looks for: each promise is broken on purpose, and told."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.chaos.checks.evidence import Evidence, gathered
from tests.chaos.checks.reference import References, undisturbed
from tests.chaos.checks.verdict import INVARIANTS, violations
from tests.chaos.cluster.cluster import Cluster, Size
from tests.chaos.cluster.timeline import Timeline
from tests.chaos.faults.damage import orphan, overwritten, rewritten
from tests.chaos.load.answers import Answer, Answers, Circumstances
from tests.chaos.load.client import Client
from tests.chaos.load.http_client import HttpClient
from tests.chaos.load.scenarios import Record, Scenario
from tests.chaos.load.workloads import WORKLOADS

pytestmark = pytest.mark.slow

JOB = "(SELECT id FROM jobs WHERE metadata::json ->> 'scenario' = 'first')"
LAST_STEP = f"(SELECT max(sequence) FROM events WHERE job_id = {JOB} AND type = 'state')"


def _again(table: str, kind: str) -> str:
    """A second row for the first job: the same but for its id."""
    new = f"""'{{"id": "{kind}_00000000000000000000000000"}}'"""
    mine = f"id = {JOB}" if table == "jobs" else f"job_id = {JOB}"
    record = f"jsonb_populate_record(NULL::{table}, to_jsonb({table}) || {new})"
    return f"INSERT INTO {table} SELECT ({record}).* FROM {table} WHERE {mine}"


REWRITTEN = [
    ("accepted_jobs_are_there_once", f"DELETE FROM jobs WHERE id = {JOB}"),
    ("accepted_jobs_are_there_once", _again("jobs", "job")),
    ("jobs_end", f"UPDATE jobs SET state = 'running' WHERE id = {JOB}"),
    ("jobs_end", f"UPDATE jobs SET state = 'queued' WHERE id = {JOB}"),
    ("jobs_end_as_their_clients_asked", f"UPDATE jobs SET state = 'failed' WHERE id = {JOB}"),
    ("jobs_end_as_their_clients_asked", f"UPDATE jobs SET state = 'cancelled' WHERE id = {JOB}"),
    (
        "lives_are_lawful",
        "INSERT INTO events SELECT job_id, sequence + 1, owner, at, type, data FROM events "
        f"WHERE job_id = {JOB} AND sequence = {LAST_STEP}",
    ),
    ("lives_are_lawful", f"UPDATE jobs SET attempt = attempt + 1 WHERE id = {JOB}"),
    ("events_have_no_gap", f"DELETE FROM events WHERE job_id = {JOB} AND sequence = 3"),
    (
        "events_have_no_gap",
        f"UPDATE events SET at = at - interval '1 second' WHERE job_id = {JOB} AND sequence = 1",
    ),
    ("successes_have_one_model", _again("models", "model")),
    ("successes_have_one_model", f"DELETE FROM models WHERE job_id = {JOB}"),
    ("histories_are_whole", f"DELETE FROM epochs WHERE job_id = {JOB} AND epoch = 2"),
    (
        "results_equal_the_undisturbed",
        "UPDATE epochs SET metrics = jsonb_set(metrics::jsonb, '{loss}', '1.0000001')::text "
        f"WHERE job_id = {JOB} AND epoch = 2",
    ),
    (
        "results_equal_the_undisturbed",
        "UPDATE model_files SET sha256 = repeat('0', 64) WHERE name = 'model.safetensors'",
    ),
    ("results_equal_the_undisturbed", f"UPDATE jobs SET bit_exact = false WHERE id = {JOB}"),
    (
        "files_and_rows_agree",
        "DELETE FROM model_files WHERE name = 'history.json' AND model_id IN "
        f"(SELECT id FROM models WHERE job_id = {JOB})",
    ),
]


class Calm:
    """A small cluster after two scenarios that nothing disturbed."""

    def __init__(self, cluster: Cluster, client: HttpClient, answers: Answers) -> None:
        self.cluster = cluster
        self.client = client
        self.answers = answers
        workload = WORKLOADS[0]
        self.references: References = undisturbed(client, [(workload, 0)])
        user = Client(client, cluster.timeline, self.references.datasets)
        scenarios = [
            Scenario(key, workload, 0, uploads, True, None, None, 0.0)
            for key, uploads in (("first", False), ("second", True))
        ]
        self.records: list[Record] = [user.run(scenario) for scenario in scenarios]

    def evidence(self) -> Evidence:
        return gathered(
            self.cluster,
            self.client,
            self.records,
            self.references,
            Circumstances(full=[], apis={api.name: api for api in self.cluster.apis}),
            self.answers,
        )

    def broken_laws(self) -> set[str]:
        """What is answered while we look is not held against those who look later."""
        before = list(self.answers)
        try:
            return {violation.law for violation in violations(self.evidence())}
        finally:
            self.answers.replace(before)

    def weights(self) -> str:
        """The key of the first job's weights."""
        last = self.records[0].last
        assert last is not None
        return f"jobs/{last['id']}/{last['attempt']}/model.safetensors"


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calm]:
    timeline, answers = Timeline(aloud=False), Answers()
    size = Size(apis=1, workers=1, reapers=0)  # no reaper: what is left here stays
    with closing(Cluster(tmp_path_factory.mktemp("calm"), timeline, size)) as cluster:
        cluster.start()
        with closing(HttpClient(cluster.apis, answers, timeline)) as client:
            yield Calm(cluster, client, answers)


def test_nothing_is_broken_in_calm(calm: Calm) -> None:
    assert list(violations(calm.evidence())) == []


@pytest.mark.parametrize(("law", "statement"), REWRITTEN)
def test_a_wrong_row_is_found(calm: Calm, law: str, statement: str) -> None:
    with rewritten(calm.cluster, statement):
        assert law in calm.broken_laws()


@pytest.mark.parametrize(
    ("law", "content"),
    [("files_match_their_hashes", b"something else"), ("files_and_rows_agree", None)],
)
def test_a_damaged_file_is_found(calm: Calm, law: str, content: bytes | None) -> None:
    with overwritten(calm.cluster, calm.weights(), content):
        assert law in calm.broken_laws()


@pytest.mark.parametrize("key", ["jobs/job_1/1/model.keras", "scratch/attempt-1/partial-model.h5"])
def test_a_file_that_was_left_is_found(calm: Calm, key: str) -> None:
    with overwritten(calm.cluster, key, b"left"):
        assert calm.broken_laws() == {"files_and_rows_agree"}


def test_an_orphan_is_found(calm: Calm) -> None:
    with orphan(calm.cluster):
        assert calm.broken_laws() == {"processes_have_parents"}


def test_a_bad_answer_is_found(calm: Calm) -> None:
    before = list(calm.answers)
    calm.answers.add(Answer(1, 2, "api-0", "GET /v1/jobs", 500, "application/problem+json"))
    try:
        assert calm.broken_laws() == {"clients_are_answered_well"}
    finally:
        calm.answers.replace(before)


def test_a_part_that_ends_by_itself_is_found(calm: Calm) -> None:
    worker = calm.cluster.workers[0]
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)  # not by `strike`: nobody owns up to it
    while worker.pid in (pid, None):
        time.sleep(0.05)
    assert "parts_end_by_faults_alone" in calm.broken_laws()
    worker.lives[0].struck = worker.lives[0].ended


def test_every_law_was_broken_here() -> None:
    elsewhere = {
        "files_match_their_hashes",
        "processes_have_parents",
        "parts_end_by_faults_alone",
        "clients_are_answered_well",
    }
    assert {law for law, _ in REWRITTEN} | elsewhere == {law.__name__ for law in INVARIANTS}
