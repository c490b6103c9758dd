"""A small accepted job in the database, and its claim by a worker."""

from sqlalchemy import Connection

from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.job import JobRequest
from domain.job.plan import Plan
from domain.job.resources import Capacity
from models_store.database.engine import Database
from models_store.jobs import claims, jobs
from models_store.jobs.claims import Claim

DEFINITION = {
    "inputs": [{"name": "x", "shape": [4]}],
    "nodes": [{"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "x"}],
    "outputs": ["y"],
}
SUMMARY = {
    "inputs": [{"name": "x", "shape": [None, 4], "dtype": "float32"}],
    "outputs": [{"name": "y", "shape": [None, 1], "dtype": "float32"}],
    "nodes": [{"name": "y", "layer": "Dense", "shape": [None, 1], "parameters": 5}],
    "parameters": {"total": 5, "trainable": 5, "non_trainable": 0},
    "bytes": {"weights": 20, "activations_per_row": 4},
}


def plan() -> Plan:
    """The plan of a `build` job with one Dense layer."""
    return Plan(
        graph_id=None,
        blueprint=Blueprint.model_validate({"definition": DEFINITION}),
        summary=Summary.model_validate(SUMMARY),
        recipe=None,
    )


def queue(connection: Connection, owner: str = "local", **fields: object) -> str:
    """Queues a job and returns its id."""
    sent = {"kind": "build", "graph": DEFINITION, **fields}
    return jobs.insert(connection, owner, JobRequest.model_validate(sent), sent, plan(), seed=7)


CPU = Capacity(device="cpu", gpus=0, memory_bytes=2**34, environment_key="here")
GPU = Capacity(device="gpu", gpus=1, memory_bytes=2**34, environment_key="there")


def claim(
    connection: Connection,
    worker: str = "worker-1",
    capacity: Capacity = CPU,
    lease_seconds: float = 60,
    anywhere_seconds: float = 600,
) -> Claim | None:
    """Claims a job as a worker does; None if none fits."""
    return claims.claim(connection, worker, capacity, lease_seconds, anywhere_seconds)


def claimed(database: Database) -> Claim:
    """Queues a job and claims it."""
    with database.write() as connection:
        queue(connection)
        got = claim(connection)
    assert got is not None
    return got
