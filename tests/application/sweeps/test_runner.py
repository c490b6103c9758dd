"""Several processes advance one sweep, and one that ends: each trial is made once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.app import assemble
from api.dependencies.parameters import Services
from api.settings import Settings
from application.submission.job_data import stage_data
from application.sweeps import runner
from application.sweeps.acceptance import accept_sweep
from application.sweeps.runner import SweepRunner
from domain.sweeps.request import SweepRequest
from domain.sweeps.sweep import ACTIVE
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.settings import Settings as StoreSettings
from models_store.sweeps import sweeps, trials
from tests.api.requests import graph
from tests.support.service import until
from tests.support.trial_worker import TrialWorker

RATE = "/compile/optimizer/config/learning_rate"


def curve(request: dict[str, Any], epoch: int) -> float:
    return abs(request["compile"]["optimizer"]["config"]["learning_rate"] - 0.3) + 1 / epoch


@contextmanager
def serving(data: Path, url: str) -> Iterator[Services]:
    """The services of one API process, without its thread for sweeps."""
    parts = assemble(Settings(), StoreSettings(data=data, database_url=url))
    parts.checker.start()
    until(lambda: parts.checker.is_warm or None, "the checker")
    yield parts
    parts.optimizer.rest()
    parts.database.close()


def start(parts: Services, count: int, parallel: int = 1) -> str:
    """Stores a sweep and its dataset; returns the id of the sweep."""
    rows = np.random.default_rng(1).random((8, 4)).tolist()
    columns = {"x": rows, "y": [row[:3] for row in rows]}
    job = {
        "graph": graph(),
        "dataset": {"columns": columns},
        "compile": {"optimizer": {"type": "SGD"}, "loss": "mse"},
        "fit": {"epochs": 2},
    }
    body = {
        "request": job,
        "space": {RATE: {"low": 0.1, "high": 0.9}},
        "objective": {"metric": "loss", "direction": "minimize"},
        **{"trials": count, "parallel": parallel, "seed": 3},
    }
    request = SweepRequest.model_validate(body)
    with stage_data(parts.artifacts, request.request, job, {}) as data:
        accepted = accept_sweep(parts.job_services, parts.optimizer, "local", request, data)
        with data.publishing(parts.artifacts), parts.database.write() as connection:
            data.insert(connection, "local")
            kept = {**body, "request": data.sent}, accepted.seed, count, accepted.uses
            return sweeps.add(connection, "local", None, *kept)


def list_rows(parts: Services, sweep_id: str) -> list[Any]:
    with parts.database.read() as connection:
        return list(trials.list_rows(connection, sweep_id))


def run(parts: Services, advancing: list[SweepRunner], sweep_id: str) -> list[Any]:
    """Advances a sweep by turns until it has ended; returns the rows of its trials."""
    worker = TrialWorker(parts, "loss", curve)

    def is_ended() -> list[Any] | None:
        for one in advancing:
            one.advance_all()
        worker.run_next()
        with parts.database.read() as connection:
            ended = sweeps.get(connection, "local", sweep_id).is_terminal
        return list_rows(parts, sweep_id) if ended else None

    return until(is_ended, "the end of the sweep")


def test_a_restart_at_any_trial_suggests_the_same(tmp_path: Path) -> None:
    migrate(Database.from_settings(StoreSettings(data=tmp_path)))
    with serving(tmp_path, "") as parts:
        services = parts.sweeps._services
        once = run(parts, [SweepRunner(services)], start(parts, 12))
        again = start(parts, 12)
        worker = TrialWorker(parts, "loss", curve)
        for number in range(12):  # each trial is made by a process that has just started
            made = SweepRunner(services)
            parts.optimizer.rest()
            _take_over(parts, again)
            until(partial(_has_started, made, parts, again, number), "the trial")
            worker.run_next()
        _take_over(parts, again)
        rows = run(parts, [SweepRunner(services)], again)
    assert [row.suggestion for row in rows] == [row.suggestion for row in once]
    assert [row.value for row in rows] == [row.value for row in once]


def _take_over(parts: Services, sweep_id: str) -> None:
    """Ends the lease of the process that held the sweep."""
    with parts.database.write() as connection:
        sweeps.update_active(connection, sweep_id, {"lease_until": 0}, *ACTIVE)


def _has_started(made: SweepRunner, parts: Services, sweep_id: str, number: int) -> bool | None:
    made.advance_all()
    return len(list_rows(parts, sweep_id)) == number + 1 or None


def test_two_processes_make_no_trial_twice(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their leases are over at once, so that only the lock of the sweep's row parts them."""
    monkeypatch.setattr(runner, "LEASE_SECONDS", -1.0)
    monkeypatch.setattr(runner, "RENEWAL_SECONDS", 0.0)
    url = database.engine.url.render_as_string(hide_password=False)
    with serving(tmp_path, url) as parts:
        sweep_id = start(parts, 10, parallel=3)
        others = [SweepRunner(parts.sweeps._services) for _ in range(2)]
        over = threading.Event()

        def advance(one: SweepRunner) -> None:
            while not over.is_set():
                one.advance_all()

        threads = [threading.Thread(target=advance, args=(one,)) for one in others]
        for thread in threads:
            thread.start()
        worker = TrialWorker(parts, "loss", curve)

        def is_ended() -> bool | None:
            worker.run_next()
            with parts.database.read() as connection:
                return sweeps.get(connection, "local", sweep_id).is_terminal or None

        try:
            until(is_ended, "the end of the sweep")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        rows = list_rows(parts, sweep_id)
    assert [row.number for row in rows] == [*range(10)]
    assert len({row.job_id for row in rows}) == 10
    assert {row.state for row in rows} == {"succeeded"}
