"""No owner can read, use or delete the resources of another owner: requests every route.

The test finds new routes by itself. It fails for a route that no set below names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import update

from domain.catalogue import COLLECTIONS
from domain.job.outcome import ModelMade
from domain.model import ModelFile
from domain.sweeps.sweep import SweepState
from models_store.database.tables import models
from models_store.ids import new_id
from models_store.jobs import attempts, workers
from models_store.jobs.workers import Announcement
from models_store.sweeps import advance, sweeps
from tests.api.callers import Caller, caller
from tests.api.requests import faults, graph, made
from tests.support import queued_jobs
from tests.support.api_server import Server
from tests.support.queued_jobs import CPU, queue
from tests.support.stores import publish
from worker.supervisor.progress import Estimate

OPEN = {
    "/", "/docs", "/docs/files/{path}", "/docs/redoc.js", "/redoc", "/openapi.json",
    "/problems", "/problems/{slug}",
    "/healthz", "/readyz",
}  # fmt: skip
"""Public paths: they need no key."""
SHARED = {
    "/v1/info", "/metrics", "/v1/workers",
    "/v1/layers", "/v1/layers/{type}", "/v1/ops", "/v1/ops/{op}",
    *(f"/v1/{name}" for name in COLLECTIONS), *(f"/v1/{name}/{{name}}" for name in COLLECTIONS),
}  # fmt: skip
"""Paths of resources that all owners share; only their private fields differ by owner."""
COMPONENTS = {
    "optimizers": "adam",
    "losses": "mse",
    "metrics": "mae",
    "schedules": "CosineDecay",
    "callbacks": "TerminateOnNaN",
    "initializers": "zeros",
    "regularizers": "L2",
    "constraints": "NonNeg",
    "activations": "relu",
}
"""The name of a component of each kind."""
SAMPLES = {"path": "favicon.png", "slug": "not-found", "type": "Dense", "op": "mean"}
WEIGHTS = "model.safetensors"
PART = {
    "Tus-Resumable": "1.0.0",
    "Content-Type": "application/offset+octet-stream",
    "Upload-Offset": "0",
    "X-HTTP-Method-Override": "PATCH",
}
"""Headers of a part of an upload."""
NAME = "secret-name-of-ada"


class Endpoint(NamedTuple):
    """A path with a method."""

    path: str
    method: str

    @property
    def kind(self) -> str:
        """The kind of resource of the path: `jobs` for `/v1/jobs/{id}/pause`."""
        return f"{self.path}//".split("/")[2]


@dataclass(frozen=True)
class Things:
    """The resources of ada: ids by the kind of resource."""

    ids: dict[str, str]

    def address(self, endpoint: Endpoint) -> str:
        """Returns the path with the ids of ada's resources as its parameters."""
        name = {"datasets": "x", **COMPONENTS}.get(endpoint.kind, WEIGHTS)
        values = {**SAMPLES, "name": name, "id": self.ids.get(endpoint.kind, "")}
        return endpoint.path.replace(":path}", "}").format(**values)

    def sweep(self) -> dict[str, Any]:
        """Returns the body of a sweep of one trial."""
        data = {"graph": graph(), "dataset": self.ids["datasets"], "compile": {"loss": "mse"}}
        return {
            "request": data,
            "space": {"/fit/batch_size": {"low": 1, "high": 2}},
            "objective": {"metric": "loss", "direction": "minimize"},
            "trials": 1,
        }

    def naming(self) -> dict[str, list[dict[str, Any]]]:
        """Returns bodies that name the resources, by the path that accepts them."""
        model = {"type": "Model", "model": self.ids["models"]}
        stored = {"type": "Graph", "graph": self.ids["graphs"]}
        both = {"model": self.ids["models"], "dataset": self.ids["datasets"]}
        return {
            "/v1/graphs": [{"definition": graph(layer)} for layer in (model, stored)],
            "/v1/jobs": [
                {"kind": "build", "graph": self.ids["graphs"]},
                {"kind": "build", "graph": graph(model)},
                {"kind": "build", "model": self.ids["models"]},
                {"graph": graph(), "dataset": self.ids["datasets"], "compile": {"loss": "mse"}},
                {"kind": "predict", **both},
                {
                    "kind": "evaluate",
                    **both,
                    "feed": {"targets": ["z"]},
                    "compile": {"loss": "mse"},
                },
            ],
            "/v1/models": [{"job": self.ids["jobs"], "epoch": 1}],
            "/v1/sweeps": [self.sweep()],
        }


@pytest.fixture(scope="module")
def ada(keyed: Server) -> Caller:
    return caller(keyed, "ada")


@pytest.fixture(scope="module")
def bob(keyed: Server) -> Caller:
    return caller(keyed, "bob")


@pytest.fixture(scope="module")
def things(keyed: Server, ada: Caller) -> Iterator[Things]:
    """One resource of each kind; a worker runs the job."""
    columns = {"x": [[0.0] * 4] * 4, "y": [[0.0] * 3] * 4, "z": [0.0] * 4}
    posted = {
        "graphs": {"name": NAME, "definition": graph()},
        "datasets": {"name": NAME, "columns": columns},
    }
    ids = {k: made(ada.client.post(f"/v1/{k}", json=b))["id"] for k, b in posted.items()}
    ids["models"] = modelled(keyed)
    ids["sweeps"] = swept(keyed)
    ids["uploads"] = keyed.parts.uploads.create("ada", 1, {"filename": NAME}).id
    worker_id = new_id("worker")
    announced = Announcement(worker_id, "box", CPU, ("cpu",), {}, "1", datetime.now(UTC))
    with keyed.parts.database.write() as connection:
        workers.record_heartbeat(connection, announced, 600)
        ids["jobs"] = queue(connection, "ada", name=NAME, priority=9)
        claim = queued_jobs.claim(connection, worker_id, lease_seconds=600)
        of_checkpoint = {"job_id": ids["jobs"], "checkpoint_epoch": 1}
        connection.execute(update(models).where(models.c.id == ids["models"]).values(of_checkpoint))
    assert claim is not None
    assert claim.job_id == ids["jobs"]
    yield Things(ids)
    with keyed.parts.database.write() as connection:
        workers.unregister(connection, worker_id)


def swept(keyed: Server) -> str:
    """Creates an ended sweep of ada, and returns its id."""
    sent = {
        "name": NAME,
        "request": {"graph": graph()},
        "space": {"/seed": {"low": 1, "high": 2}},
        "objective": {"metric": "loss", "direction": "minimize"},
        "trials": 1,
    }
    with keyed.parts.database.write() as connection:
        sweep_id = sweeps.add(connection, "ada", NAME, sent, 1, 1, [])
        advance.finish(connection, sweep_id, SweepState.FAILED, {})
    return sweep_id


def modelled(keyed: Server) -> str:
    """Creates a model of ada with a file, and returns its id."""
    with keyed.parts.database.write() as connection:
        queue(connection, "ada", name=NAME, priority=10)
        claim = queued_jobs.claim(connection)
    assert claim is not None
    assert claim.owner == "ada"
    sha256 = publish(keyed.parts.artifacts, f"{claim.folder}/{WEIGHTS}", b"weights")
    file = ModelFile(name=WEIGHTS, bytes=7, sha256=sha256, media_type="x/y")
    done = Estimate(1, lambda: 0.0).finish(1)
    with keyed.parts.database.write() as connection:
        attempts.succeed(connection, claim, done, ModelMade((file,), (), {}))
    model_id: str = caller(keyed, "ada").client.get("/v1/models").json()["items"][0]["id"]
    return model_id


@pytest.fixture(scope="module")
def endpoints(keyed: Server) -> list[Endpoint]:
    """All endpoints, including those outside the OpenAPI document; DELETE comes last."""
    found = {
        Endpoint(path, method.upper())
        for path, operations in keyed.app.openapi()["paths"].items()
        for method in operations
    }
    for route in iter_route_contexts(keyed.app.routes):
        assert route.path is not None
        mounted = route.methods is None
        path = f"{route.path}/{{path}}" if mounted else route.path
        found |= {Endpoint(path, method) for method in route.methods or {"GET"}}
    assert len(found) > 30  # fewer means that this search no longer finds them
    return sorted(found, key=lambda e: (e.method == "DELETE", e))


def ask(client: httpx.Client, things: Things, endpoint: Endpoint) -> httpx.Response:
    address = things.address(endpoint)
    if endpoint.kind == "uploads" and endpoint.method in ("PATCH", "POST"):
        return client.request(endpoint.method, address, headers=PART)
    body: dict[str, Any] | None = {} if endpoint.method == "POST" else None
    if endpoint.path.endswith("/split"):
        body = {"parts": {"all": 1}}
    query = {"format": "csv"} if endpoint.path.endswith("/file") else None
    return client.request(endpoint.method, address, json=body, params=query)


def owned(endpoints: list[Endpoint]) -> list[Endpoint]:
    return [e for e in endpoints if e.path not in OPEN | SHARED]


def test_every_path_needs_a_key_or_is_public(
    keyed: Server, things: Things, endpoints: list[Endpoint]
) -> None:
    for endpoint in endpoints:
        answer = ask(keyed.client, things, endpoint)
        assert (answer.status_code != 401) == (endpoint.path in OPEN), endpoint
        if answer.status_code == 401 and endpoint.method != "HEAD":
            faults(answer, 401)


def test_the_document_lists_the_operations_that_need_a_key(keyed: Server) -> None:
    document = keyed.app.openapi()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["security"] == ([] if path in OPEN else [{"key": []}]), path


def test_a_list_contains_the_resources_of_its_owner_only(
    ada: Caller, bob: Caller, things: Things, endpoints: list[Endpoint]
) -> None:
    lists = [e for e in owned(endpoints) if "{" not in e.path and e.method in ("GET", "HEAD")]
    assert {e.path for e in lists} == {f"/v1/{kind}" for kind in things.ids}
    for endpoint in lists:
        assert made(ask(bob.client, things, endpoint), 200)["items"] == [], endpoint
        assert things.ids[endpoint.kind] in ask(ada.client, things, endpoint).text, endpoint


@pytest.mark.slow
def test_shared_resources_contain_nothing_of_another_owner(
    ada: Caller, bob: Caller, things: Things, endpoints: list[Endpoint]
) -> None:
    for endpoint in endpoints:
        if endpoint.path in SHARED:
            answer = ask(bob.client, things, endpoint)
            assert answer.status_code == 200, endpoint
            assert not [word for word in [NAME, *things.ids.values()] if word in answer.text]
    (worker,) = ada.client.get("/v1/workers").json()["items"]
    assert worker["job"] == things.ids["jobs"]
    (worker,) = bob.client.get("/v1/workers").json()["items"]
    assert (worker["state"], worker["job"]) == ("busy", None)


def test_a_request_cannot_use_resources_of_another_owner(
    ada: Caller, bob: Caller, things: Things, endpoints: list[Endpoint]
) -> None:
    makers = {e.path for e in owned(endpoints) if "{" not in e.path and e.method == "POST"}
    assert makers == {
        "/v1/datasets",
        "/v1/uploads",
        *things.naming(),
    }  # datasets and uploads are not made from other resources
    for path, bodies in things.naming().items():
        for body in bodies:
            refusal = bob.client.post(path, json=body)
            assert all(detail.startswith("There is no ") for detail in faults(refusal).values())
            answer = ada.client.post(path, json=body)
            assert answer.is_success, answer.text


def test_two_owners_may_use_the_same_idempotency_key(ada: Caller, bob: Caller) -> None:
    headers = {"Idempotency-Key": "the same"}
    body = {"definition": graph()}
    ids = {
        made(who.client.post("/v1/graphs", json=body, headers=headers))["id"]
        for who in (ada, ada, bob)
    }
    assert len(ids) == 2
    body = {"columns": {"x": [1]}}
    ids = {
        made(who.client.post("/v1/datasets", json=body, headers=headers))["id"]
        for who in (ada, ada, bob)
    }
    assert len(ids) == 2


def test_events_are_not_streamed_to_another_owner(bob: Caller, things: Things) -> None:
    address = f"/v1/jobs/{things.ids['jobs']}/events"
    faults(bob.client.get(address, headers={"Accept": "text/event-stream"}), 404)


def test_a_resource_does_not_exist_for_another_owner(
    ada: Caller, bob: Caller, things: Things, endpoints: list[Endpoint]
) -> None:
    tried = [e for e in owned(endpoints) if "{id}" in e.path]
    assert {e.kind for e in tried} == things.ids.keys()
    statuses = {e: ask(bob.client, things, e).status_code for e in tried}
    assert {e: status for e, status in statuses.items() if status != 404} == {}
    for endpoint in tried:  # it exists for its owner
        answer = ask(ada.client, things, endpoint)
        if answer.status_code == 404:
            assert "report" in answer.json()["detail"], answer.text
