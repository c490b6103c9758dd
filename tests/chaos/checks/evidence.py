"""The state of a cluster after a run: answers, rows, files and processes."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from domain.dataset import FilePlace
from models_store.records.datasets import column_key
from tests.chaos.checks.reference import References
from tests.chaos.cluster import processes
from tests.chaos.cluster.cluster import Cluster
from tests.chaos.cluster.part import Part
from tests.chaos.load.answers import Answers, Circumstances
from tests.chaos.load.http_client import HttpClient
from tests.chaos.load.scenarios import Record
from tests.chaos.load.sweeper import SweepRecord

Json = dict[str, Any]
Found = Iterator[tuple[str, str]]
"""What the check of an invariant finds: the subject, and how the invariant is broken."""


@dataclass(frozen=True)
class Store:
    """The keys of the files in the store, and of the files that rows name."""

    kept: frozenset[str]
    named: frozenset[str]


@dataclass(frozen=True)
class Evidence:
    """Everything that the invariants are checked on."""

    records: list[Record]
    references: References
    jobs: dict[str, Json]
    """All jobs that the API lists, by id."""
    events: dict[str, list[Json]]
    histories: dict[str, Json]
    reports: dict[str, Json]
    datasets: frozenset[str]
    """The ids of the datasets that the API lists."""
    models: list[Json]
    downloads: dict[tuple[str, str], tuple[str, int]]
    """The sha256 and the size in bytes of each download, by model and file."""
    leased: frozenset[str]
    """The ids of jobs with a lease that lasts, by the database's clock."""
    store: Store
    strays: list[str]
    """Processes of the service that descend from no running part."""
    answers: Answers
    circumstances: Circumstances
    parts: list[Part]
    sweeps: list[SweepRecord] = field(default_factory=list)

    def with_job(self) -> Iterator[tuple[Record, Json]]:
        """The scenarios whose job exists, each with its job."""
        for record in self.records:
            if record.job in self.jobs:
                yield record, self.jobs[record.job]

    def succeeded(self) -> Iterator[tuple[Record, Json]]:
        """The scenarios whose job has succeeded, each with its job."""
        return ((record, job) for record, job in self.with_job() if job["state"] == "succeeded")


def gather(
    cluster: Cluster,
    client: HttpClient,
    records: list[Record],
    references: References,
    circumstances: Circumstances,
    answers: Answers,
    sweeps: Sequence[SweepRecord] = (),
) -> Evidence:
    """Reads the state of the cluster, and keeps what the clients observed."""
    jobs = {job["id"]: job for job in client.items("/v1/jobs")}
    models = client.items("/v1/models")
    return Evidence(
        records=records,
        references=references,
        jobs=jobs,
        events={job: _events(client, job) for job in jobs},
        histories={job: client.read(f"/v1/jobs/{job}/history") for job in jobs},
        reports={job: client.read(f"/v1/jobs/{job}/report") for job in jobs},
        datasets=frozenset(dataset["id"] for dataset in client.items("/v1/datasets")),
        models=models,
        downloads=dict(_downloads(client, models)),
        leased=frozenset(_leased(cluster.database_url)),
        store=store(cluster),
        strays=strays(cluster),
        answers=answers,
        circumstances=circumstances,
        parts=cluster.parts,
        sweeps=[_read_sweep(client, record) for record in sweeps],
    )


def _read_sweep(client: HttpClient, record: SweepRecord) -> SweepRecord:
    """Reads a sweep that its client saw end, and its trials, again."""
    if record.final is None:
        return record
    address = f"/v1/sweeps/{record.sweep}"
    trials = client.read(f"{address}/trials")["items"]
    return replace(record, final=client.read(address), trials=trials)


def _events(client: HttpClient, job: str) -> list[Json]:
    events: list[Json] = []
    while True:
        after = events[-1]["id"] if events else 0
        page = client.read(f"/v1/jobs/{job}/events?cursor={after}&page_size=1000")
        if not page["items"]:
            return events
        events += page["items"]


def _downloads(
    client: HttpClient, models: list[Json]
) -> Iterator[tuple[tuple[str, str], tuple[str, int]]]:
    for model in models:
        for file in model["files"]:
            answer = client.ask("GET", f"/v1/models/{model['id']}/files/{file['name']}")
            digest = hashlib.sha256(answer.content).hexdigest()
            yield (model["id"], file["name"]), (digest, len(answer.content))


def _leased(url: str) -> list[str]:
    query = "SELECT id FROM jobs WHERE lease_until > extract(epoch FROM clock_timestamp())"
    return [row["id"] for row in _rows(url, query)]


def _rows(url: str, query: str) -> list[Json]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()


def store(cluster: Cluster) -> Store:
    """The files and the rows of the cluster at present."""
    return Store(frozenset(_kept(cluster.artifacts)), frozenset(_named(cluster.database_url)))


def _kept(folder: Path) -> set[str]:
    """The keys of all files and of all empty folders, except top-level ones."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() or (len(path.relative_to(folder).parts) > 1 and not any(path.iterdir()))
    }


def _named(url: str) -> set[str]:
    keys = {row["artifact"] for row in _rows(url, "SELECT artifact FROM model_files")}
    keys |= {row["artifact"] for row in _rows(url, "SELECT artifact FROM checkpoints")}
    keys |= {row["artifact"] for row in _rows(url, "SELECT artifact FROM kept_checkpoints")}
    keys |= {row["artifact"] for row in _rows(url, "SELECT artifact FROM upload_parts")}
    keys |= {row["artifact"] for row in _rows(url, "SELECT artifact FROM job_parts")}
    for row in _rows(url, "SELECT id, columns FROM datasets"):
        for index, column in enumerate(json.loads(row["columns"])):
            for part, kept in (column["parts"] or {"values": {}}).items():
                place = kept.get("place")
                found = FilePlace.model_validate(place) if place else None
                keys.add(column_key(row["id"], index, part, found))
    return keys


def strays(cluster: Cluster) -> list[str]:
    """The stray processes at present, each as one line of text."""
    living = [part.pid for part in cluster.parts if part.pid]
    return [processes.describe(stray) for stray in processes.find_strays(cluster.mark, living)]
