"""Import jobs through real processes: datasets from uploads, whatever dies meanwhile."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from tusclient.client import TusClient

from tests.api.requests import faults, made
from tests.support.engines import Engine
from tests.support.service import Service, until
from tests.worker.training.fetching.file_server import FileServer, serve

TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}


def make_archive(rows: int = 1_000) -> bytes:
    """An `.npz` archive with three columns."""
    random = np.random.default_rng(7)
    file = io.BytesIO()
    columns: dict[str, Any] = {
        "x": random.normal(size=(rows, 8)),
        "y": random.integers(0, 9, rows),
        "flag": random.integers(0, 2, rows).astype(bool),
    }
    np.savez(file, **columns)
    return file.getvalue()


def send(service: Service, data: bytes, **metadata: str) -> str:
    """Uploads a file by tuspy in small parts, and returns the upload's id."""
    client = TusClient(f"{service.address}/v1/uploads")
    uploader = client.uploader(
        file_stream=io.BytesIO(data), chunk_size=max(1, len(data) // 3), metadata=metadata
    )
    uploader.upload()
    identifier: str = uploader.url.rpartition("/")[2]
    return identifier


def describe(dataset: dict[str, Any]) -> dict[str, Any]:
    """The parts of a dataset that depend on its content alone."""
    return {name: dataset[name] for name in ("rows", "bytes", "sha256", "columns")}


def import_processes(service: Service) -> list[psutil.Process]:
    return [one for one in service.descendants() if one.name() == "graphfit-import"]


def test_an_import_makes_the_dataset_that_a_post_makes(service: Service) -> None:
    data = make_archive()
    headers = {"Content-Type": "application/x-npz"}
    posted = made(service.client.post("/v1/datasets", content=data, headers=headers))
    upload = send(service, data, filename="data.npz")
    job = service.trained(kind="import", upload=upload, name="mine")
    assert (job["kind"], job["model"], job["request"]) == (
        "import",
        None,
        {"kind": "import", "upload": upload, "name": "mine"},
    )
    progress = job["progress"]
    assert (progress["bytes"], progress["bytes_total"]) == (len(data), len(data))
    assert (progress["fraction"], progress["seconds_remaining"]) == (1.0, 0.0)
    dataset = made(service.client.get(f"/v1/datasets/{job['dataset']}"), 200)
    assert dataset["name"] == "mine"
    assert describe(dataset) == describe(posted)
    rows = [
        service.client.get(f"/v1/datasets/{one}/rows?count=1000").json()
        for one in (dataset["id"], posted["id"])
    ]
    assert rows[0] == rows[1]
    again = service.trained(kind="import", upload=upload, format="application/x-npz")
    assert again["dataset"] != job["dataset"]
    assert service.client.delete(f"/v1/uploads/{upload}", headers=TUS).status_code == 204


def test_a_small_model_trains_on_an_imported_dataset(service: Service) -> None:
    job = service.trained(kind="import", upload=send(service, make_archive(), filename="d.npz"))
    graph = {
        "inputs": [{"name": "x", "shape": [8]}],
        "nodes": [{"name": "y", "layer": {"type": "Dense", "config": {"units": 9}}, "inputs": "x"}],
        "outputs": ["y"],
    }
    loss = {"type": "SparseCategoricalCrossentropy", "config": {"from_logits": True}}
    trained = service.trained(graph=graph, dataset=job["dataset"], compile={"loss": loss})
    assert trained["model"] is not None
    assert trained["dataset"] is None


def test_a_repeated_request_makes_one_job(service: Service) -> None:
    upload = send(service, make_archive(10))
    body = {"kind": "import", "upload": upload}
    headers = {"Idempotency-Key": upload}
    answers = [service.client.post("/v1/jobs", json=body, headers=headers) for _ in range(2)]
    assert made(answers[0], 202) == made(answers[1], 202)
    assert service.ended(answers[0].json()["id"])["state"] == "succeeded"


def test_what_is_known_to_fail_is_refused(service: Service) -> None:
    def refused(**request: Any) -> dict[str, str]:
        return faults(service.client.post("/v1/jobs", json={"kind": "import", **request}))

    upload = send(service, make_archive(10))
    unknown = f"upload_{'0' * 26}"
    assert "exactly one of `upload` and `source`" in refused()[""]
    assert "There is no upload" in refused(upload=unknown)["/upload"]
    assert "application/x-npz" in refused(upload=upload, format="x-npz")["/format"]
    assert refused(upload="dataset_1").keys() == {"/upload"}
    assert refused(upload=upload, options={"delimiter": ";"}).keys() == {"/options/delimiter"}
    assert refused(upload=upload, options={"delimitr": ";"}).keys() == {"/options/delimitr"}
    others = {"graph": unknown.replace("upload", "graph"), "seed": 3, "fit": {"epochs": 2}}
    assert refused(upload=upload, **others).keys() == {"/graph", "/seed", "/fit"}
    begun = service.client.post("/v1/uploads", headers={**TUS, "Upload-Length": "5"})
    part = service.client.patch(begun.headers["location"], content=b"abc", headers=PART)
    assert part.status_code == 204
    found = refused(upload=begun.headers["location"].rpartition("/")[2])
    assert "3 of 5 bytes" in found["/upload"]
    assert "/format" in refused(upload=send(service, b"hello"))
    answer = service.client.post("/v1/jobs", json={"graph": others["graph"], "upload": upload})
    assert "takes no `upload`" in faults(answer)["/upload"]


@pytest.mark.parametrize(
    ("data", "media_type", "type_", "detail"),
    [
        (b'{"columns": {"x": [1, []]}}', "application/json", "invalid-data", "/columns/x"),
        (b'{"columns": ', "application/json", "not-json", "ends before it is complete"),
        (b"PK", "application/x-npz", "invalid-data", "not a complete .npz archive"),
    ],
)
def test_a_bad_file_fails_its_job(
    service: Service, data: bytes, media_type: str, type_: str, detail: str
) -> None:
    job = service.ended(
        service.submit(kind="import", upload=send(service, data), format=media_type)
    )
    assert job["state"] == "failed"
    error = job["error"]
    assert (error["type"], error["category"], error["pointer"]) == (type_, "user", "/upload")
    assert detail in error["detail"]
    assert (job["attempt"], job["dataset"]) == (1, None)


def kill_import(service: Service) -> None:
    process = until(lambda: next(iter(import_processes(service)), None), "an import", pause=0.001)
    process.kill()


@pytest.mark.slow
def test_an_import_that_is_killed_finishes_once(tmp_path: Path, engine: Engine) -> None:
    service = engine.service(tmp_path / "data", MAX_DEATHS="9")
    data = make_archive(600_000)
    upload = send(service, data)
    posted = made(
        service.client.post(
            "/v1/datasets", content=data, headers={"Content-Type": "application/x-npz"}
        )
    )
    before = len(service.client.get("/v1/datasets").json()["items"])
    job_id = service.submit(kind="import", upload=upload)
    kill_import(service)
    service.part("worker").kill()
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert job["attempt"] >= 2
    dataset = made(service.client.get(f"/v1/datasets/{job['dataset']}"), 200)
    assert describe(dataset) == describe(posted)
    assert len(service.client.get("/v1/datasets").json()["items"]) == before + 1
    service.stop()


@pytest.mark.slow
def test_an_import_is_cancelled_or_paused(tmp_path: Path, engine: Engine) -> None:
    service = engine.service(tmp_path / "data")
    upload = send(service, make_archive(600_000))
    job_id = service.submit(kind="import", upload=upload)
    process = until(lambda: next(iter(import_processes(service)), None), "an import", pause=0.001)
    process.suspend()  # it would end before the request on a slow machine
    assert service.client.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
    assert service.ended(job_id)["state"] == "cancelled"
    job_id = service.submit(kind="import", upload=upload)
    until(lambda: next(iter(import_processes(service)), None), "an import", pause=0.001)
    assert service.client.post(f"/v1/jobs/{job_id}/pause").status_code == 202
    until(lambda: service.job(job_id)["state"] in ("paused", "succeeded") or None, "the pause")
    if service.job(job_id)["state"] == "paused":
        assert service.client.post(f"/v1/jobs/{job_id}/resume").status_code == 202
    assert service.ended(job_id)["state"] == "succeeded"
    service.stop()


@pytest.mark.slow
def test_a_killed_server_has_what_it_confirmed(tmp_path: Path, engine: Engine) -> None:
    service = engine.service(tmp_path / "data")
    data = make_archive(50_000)
    client = TusClient(f"{service.address}/v1/uploads")
    uploader = client.uploader(file_stream=io.BytesIO(data), chunk_size=200_000)
    uploader.upload(stop_at=1_000_000)
    path = httpx.URL(uploader.url).path
    service.kill()
    service.start()
    again = TusClient(f"{service.address}/v1/uploads").uploader(
        file_stream=io.BytesIO(data), url=f"{service.address}{path}", chunk_size=500_000
    )
    assert again.offset == uploader.offset
    again.upload()
    job = service.trained(kind="import", upload=path.rpartition("/")[2])
    posted = made(
        service.client.post(
            "/v1/datasets", content=data, headers={"Content-Type": "application/x-npz"}
        )
    )
    dataset = made(service.client.get(f"/v1/datasets/{job['dataset']}"), 200)
    assert describe(dataset) == describe(posted)
    service.stop()


@pytest.fixture
def files() -> Iterator[FileServer]:
    """A server of one file, which is on this machine."""
    with serve(make_archive(200_000)) as running:
        yield running


@pytest.mark.slow
def test_a_file_from_elsewhere_is_imported_whatever_dies(
    tmp_path: Path, engine: Engine, files: FileServer
) -> None:
    hosts = f"http://127.0.0.1:{files.port}"
    service = engine.service(tmp_path / "data", IMPORT_HOSTS=hosts, MAX_DEATHS="9")
    files.broken_after = [5_000_000]
    job_id = service.submit(kind="import", source=files.url, name="far")
    kill_import(service)
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert job["request"] == {"kind": "import", "source": files.url, "name": "far"}
    dataset = made(service.client.get(f"/v1/datasets/{job['dataset']}"), 200)
    headers = {"Content-Type": "application/x-npz"}
    posted = made(service.client.post("/v1/datasets", content=files.content, headers=headers))
    assert describe(dataset) == describe(posted)
    assert service.client.get("/v1/uploads").json()["items"] == []
    files.status = 404
    failed = service.ended(service.submit(kind="import", source=files.url))
    error = failed["error"]
    assert (error["type"], error["category"], error["pointer"]) == (
        "cannot-fetch",
        "user",
        "/source",
    )
    refused = service.client.post(
        "/v1/jobs", json={"kind": "import", "source": "http://169.254.169.254/latest"}
    )
    assert "GRAPHFIT_IMPORT_HOSTS" in faults(refused)["/source"]
    service.stop()
