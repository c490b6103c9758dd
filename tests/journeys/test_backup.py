"""A service is deleted and restored: all rows and files agree, and jobs continue."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.long_training import EPOCHS, await_mid_training, long_training_request
from tests.support.backups import Backup
from tests.support.engines import Engine
from tests.support.servers.postgresql import PROGRAMS
from tests.support.service import ROOT, Service, until
from tests.support.stores import settings_of, store_of

pytestmark = pytest.mark.slow
ROWS = {"instances": [[0.5] * 32]}


def predicted(service: Service, model: str) -> list[float]:
    answer = service.client.post(f"/v1/models/{model}:predict", json=ROWS)
    assert answer.status_code == 200, answer.text
    predictions: list[float] = answer.json()["predictions"]
    return predictions


def checkpoints(service: Service) -> set[str]:
    keys = {file.key for file in service.store().files("jobs")}
    return {key for key in keys if "/checkpoint-" in key}


def verified(service: Service) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cli.main", "verify"]
    return subprocess.run(
        command, cwd=ROOT, env=service.environment, capture_output=True, text=True, check=False
    )


def test_a_lost_service_is_restored(engine: Engine, tmp_path: Path) -> None:
    lost = engine.service(tmp_path / "lost", LEASE_SECONDS="3")
    request = long_training_request(lost)
    done = lost.trained(**{**request, "fit": {"epochs": 2}})
    before = predicted(lost, done["model"])
    running = lost.submit(**request)
    await_mid_training(lost, running)
    backup = Backup(tmp_path / "backup", PROGRAMS)
    backup.take_rows(lost.settings)
    named = checkpoints(lost)  # later ones replace it, so its file is not in the backup
    until(lambda: named.isdisjoint(checkpoints(lost)) or None, "a later checkpoint")
    backup.take_files(lost.store())
    lost.kill()
    shutil.rmtree(lost.data)

    settings = {**engine.settings(), "LEASE_SECONDS": "3"}
    data = tmp_path / "restored"
    backup.restore_rows(settings_of(data, settings))
    backup.restore_files(store_of(data, settings))
    restored = Service(data, **settings)
    try:
        job = restored.ended(running)
        assert job["state"] == "succeeded", job["error"]
        assert "its checkpoint is lost" in str(job["transitions"])
        history = restored.client.get(f"/v1/jobs/{running}/history").json()["epochs"]
        assert [epoch["epoch"] for epoch in history] == list(range(1, EPOCHS + 1))
        checked = verified(restored)
        assert re.fullmatch(r"\d+ files checked, 0 faulty\n", checked.stdout), checked
        assert checked.returncode == 0
        assert predicted(restored, done["model"]) == before
    finally:
        restored.stop()
