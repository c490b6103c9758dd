"""The setting of the heartbeat folder under its present and its old name."""

from pathlib import Path

import pytest

from worker.settings import Settings


@pytest.mark.parametrize("name", ["GRAPHFIT_HEARTBEATS", "GRAPHFIT_PULSES"])
def test_the_heartbeat_folder_has_two_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(tmp_path))
    assert Settings().heartbeats == tmp_path
