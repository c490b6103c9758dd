"""The heartbeat files of a folder."""

import os
import time
from pathlib import Path

import pytest

from cli.main import main
from worker.supervisor.heartbeat_file import HeartbeatFile


def test_the_files_of_all_workers_are_found(tmp_path: Path) -> None:
    for part in ("worker", "worker-1", "worker-12", "reaper"):
        HeartbeatFile.of(part, tmp_path).touch()
    for other in ("worker-x.heartbeat", "worker.log", "workers.heartbeat"):
        (tmp_path / other).touch()
    found = HeartbeatFile.list_all("worker", tmp_path)
    assert {file.part for file in found} == {"worker", "worker-1", "worker-12"}
    for file in found:
        file.remove()
        file.remove()
        assert file.age() is None
    assert [file.part for file in HeartbeatFile.list_all("reaper", tmp_path)] == ["reaper"]


def test_the_oldest_heartbeat_of_several_workers_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRAPHFIT_HEARTBEATS", str(tmp_path))
    for number in (1, 2, 3):
        HeartbeatFile.of(f"worker-{number}", tmp_path).touch()
    assert main(["health", "worker"]) == 0
    past = time.time() - 100
    os.utime(tmp_path / "worker-2.heartbeat", (past, past))
    assert main(["health", "worker"]) == 1
    assert "graphfit: the worker-2 sent its last heartbeat 1" in capsys.readouterr().err
