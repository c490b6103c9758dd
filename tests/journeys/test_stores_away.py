"""A store is unavailable for a while: requests are answered by 503, and no job is lost."""

import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.journeys.long_training import EPOCHS, await_mid_training, long_training_request
from tests.support.production import Production, production
from tests.support.queued_jobs import DEFINITION
from tests.support.service import Service, until

pytestmark = pytest.mark.slow
BUILD = {"kind": "build", "graph": DEFINITION}
COLUMNS = {"columns": {"x": [1.0, 2.0]}}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The stores of these tests alone."""
    with production(tmp_path_factory.mktemp("stores")) as running:
        yield running


@pytest.fixture(scope="module")
def service(stores: Production, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with short timeouts for its stores."""
    timeouts = {"S3_SECONDS": "1", "DATABASE_SECONDS": "5", "LEASE_SECONDS": "5"}
    running = Service(tmp_path_factory.mktemp("away"), **stores.settings(), **timeouts)
    yield running
    running.stop()


def assert_unavailable(answer: httpx.Response, *, detail: str = "") -> None:
    """Asserts a 503 problem document with `Retry-After`."""
    assert answer.status_code == 503, (answer.request.url, answer.text)
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert detail in answer.json()["detail"]


def is_ready(service: Service) -> bool | None:
    return service.client.get("/readyz").json() == {"status": "ok", "away": []} or None


def uncached_answer(service: Service, job_id: str) -> httpx.Response | None:
    """The answer about a job; None while it comes from the API's cache."""
    answer = service.client.get(f"/v1/jobs/{job_id}")
    return None if answer.status_code == 200 else answer


def assert_finished(service: Service, job_id: str) -> None:
    """Asserts that a job succeeds and has every epoch once."""
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    history = service.client.get(f"/v1/jobs/{job_id}/history").json()["epochs"]
    assert [epoch["epoch"] for epoch in history] == list(range(1, EPOCHS + 1))


def test_jobs_run_without_redis(stores: Production, service: Service) -> None:
    stores.broker.kill()
    try:
        service.trained(**BUILD)
        answer = service.client.get("/readyz")
        assert (answer.status_code, answer.json()["away"]) == (200, ["broker"])
        service.part("worker").kill()  # the next worker starts without the broker
        service.trained(**BUILD)
    finally:
        stores.broker.start()
    until(lambda: is_ready(service), "Redis to be found again")
    service.trained(**BUILD)


def test_a_flush_of_redis_loses_no_job(stores: Production, service: Service) -> None:
    job_ids = [service.submit(**BUILD) for _ in range(5)]
    stores.broker.flush()
    for job_id in job_ids:
        assert service.ended(job_id)["state"] == "succeeded"


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_training_continues_after_postgresql_was_stopped(
    stores: Production, service: Service, mode: str
) -> None:
    job_id = service.submit(**long_training_request(service))
    await_mid_training(service, job_id)
    parts = [service.part(name).pid for name in ("api", "worker", "reaper")]
    stores.database.stop(mode)  # type: ignore[arg-type]
    try:
        for path in ("/v1/jobs", f"/v1/jobs/{job_id}/events", "/v1/models"):
            assert_unavailable(service.client.get(path))
        assert_unavailable(
            until(lambda: uncached_answer(service, job_id), "an answer that is not cached")
        )
        assert_unavailable(service.client.get("/readyz"), detail="database: ")
        assert_unavailable(service.client.get("/metrics"))
        assert_unavailable(service.client.post("/v1/jobs", json=BUILD))
        assert_unavailable(service.client.post("/v1/datasets", json=COLUMNS))
        assert_unavailable(service.client.delete(f"/v1/jobs/{job_id}"))
        assert service.client.get("/healthz").status_code == 200
    finally:
        stores.database.start()
    until(lambda: is_ready(service), "PostgreSQL to be found again")
    assert_finished(service, job_id)
    assert [service.part(name).pid for name in ("api", "worker", "reaper")] == parts


def test_a_live_stream_ends_with_postgresql_and_can_be_resumed(
    stores: Production, service: Service
) -> None:
    job_id = service.submit(**long_training_request(service))
    await_mid_training(service, job_id)
    stream, headers = f"/v1/jobs/{job_id}/events", {"Accept": "text/event-stream"}
    seen: list[int] = []
    try:
        with service.client.stream("GET", stream, headers=headers) as answer:
            for number in event_ids(answer):
                seen.append(number)
                if len(seen) == 1:
                    stores.database.stop("fast")
    finally:
        stores.database.start()
    until(lambda: is_ready(service), "PostgreSQL to be found again")
    with service.client.stream(
        "GET", stream, headers={**headers, "Last-Event-ID": str(seen[-1])}
    ) as answer:
        seen += event_ids(answer)
    assert seen == list(range(1, len(seen) + 1))
    assert_finished(service, job_id)


def event_ids(stream: httpx.Response) -> Iterator[int]:
    """The ids of the events as they arrive, to the end of the stream."""
    return (int(line[4:]) for line in stream.iter_lines() if line.startswith("id: "))


def test_a_training_continues_after_a_bucket_did_not_answer(
    stores: Production, service: Service
) -> None:
    job_id = service.submit(**long_training_request(service))
    await_mid_training(service, job_id)
    stores.bucket.process.send_signal(signal.SIGSTOP)
    try:
        assert_unavailable(service.client.post("/v1/datasets", json=COLUMNS))
        assert_unavailable(service.client.get("/readyz"), detail="files: ")
        assert service.job(job_id)["state"] == "running"
    finally:
        stores.bucket.process.send_signal(signal.SIGCONT)
    assert_finished(service, job_id)
    service.dataset(COLUMNS["columns"])
