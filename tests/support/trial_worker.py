"""Plays a worker: claims the jobs of trials and ends them with metrics that a function gives."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from api.dependencies.parameters import Services
from domain.job.job import Epoch, JobState
from domain.job.outcome import ModelMade
from domain.metric_values import Metrics
from domain.model import ModelFile
from models_store.database.tables import jobs
from models_store.jobs import attempts, leases
from models_store.jobs.claims import Claim
from tests.support.queued_jobs import claim
from tests.support.stores import publish
from worker.supervisor.progress import Estimate

WEIGHTS = "model.safetensors"
Curve = Callable[[dict[str, Any], int], float]
"""The objective of a job's request at an epoch, from 1."""


class TrialWorker:
    """Runs queued jobs without training them."""

    def __init__(self, parts: Services, metric: str, curve: Curve) -> None:
        self.parts = parts
        self._metric = metric
        self._curve = curve

    def claim(self) -> tuple[Claim, dict[str, Any]] | None:
        """Claims a job; returns it with its request."""
        with self.parts.database.write() as connection:
            claimed = claim(connection, lease_seconds=600)
            if claimed is None:
                return None
            query = select(jobs.c.request).where(jobs.c.id == claimed.job_id)
            return claimed, connection.execute(query).scalar_one()

    def run_epoch(self, claimed: Claim, request: dict[str, Any], epoch: int) -> JobState:
        """Records an epoch; returns the state of the job."""
        metrics: Metrics = {self._metric: self._curve(request, epoch)}
        progress = Estimate(epoch, lambda: 0.0).finish(epoch)
        with self.parts.database.write() as connection:
            record = Epoch(epoch=epoch, seconds=0.1, metrics=metrics)
            attempts.end_epoch(connection, claimed, record, progress, None, None)
        with self.parts.database.write() as connection:
            return leases.renew(connection, claimed, 600).state

    def cancel(self, claimed: Claim) -> None:
        """Ends a job that is being cancelled."""
        with self.parts.database.write() as connection:
            attempts.cancel(connection, claimed)

    def succeed(self, claimed: Claim, request: dict[str, Any], epoch: int) -> None:
        """Ends a job with a model of an epoch."""
        content = json.dumps(request).encode()
        sha256 = publish(self.parts.artifacts, f"{claimed.folder}/{WEIGHTS}", content)
        file = ModelFile(name=WEIGHTS, bytes=len(content), sha256=sha256, media_type="x/y")
        metrics = {self._metric: self._curve(request, epoch)}
        done = Estimate(1, lambda: 0.0).finish(1)
        with self.parts.database.write() as connection:
            attempts.succeed(connection, claimed, done, ModelMade((file,), (), metrics, epoch))

    def run_next(self) -> bool:
        """Runs a whole job, if one is queued. Returns whether one was."""
        claimed = self.claim()
        if claimed is None:
            return False
        self.succeed(*claimed, claimed[1]["fit"]["epochs"])
        return True
