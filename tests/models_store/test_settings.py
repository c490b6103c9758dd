"""Settings come from the environment or a file; errors do not contain their values."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

import api.settings
import models_store.settings
import worker.settings
from models_store.environment_settings import EnvironmentSettings
from tests.support.service import ROOT

CLASSES: list[type[EnvironmentSettings]] = [
    models_store.settings.Settings,
    api.settings.Settings,
    worker.settings.Settings,
]
URLS = {
    "database_url": "postgresql://user:word@host/name",
    "broker_url": "redis://:word@host:6379/0",
    "artifacts_url": "file:///folder",
}
WRONG = [
    ("database_url", "postgresql//user:hunter2@host/name"),
    ("database_url", "postgresql://user@host:hunter2/name"),
    ("database_url", "mysql://user:hunter2@host/name"),
    ("broker_url", "redis://:hunter2/word@host"),
    ("broker_url", "hunter2"),
    ("lease_seconds", "hunter2"),
    ("max_nodes", "hunter2"),
    ("idle_seconds", "hunter2"),
    ("auth", "hunter2"),
]


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHFIT_SECRETS_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("settings", CLASSES)
def test_every_setting_may_be_a_file(settings: type[EnvironmentSettings], secrets: Path) -> None:
    for name, field in settings.model_fields.items():
        if name != "secrets_dir":
            value = URLS.get(name, str(field.default))
            (secrets / f"graphfit_{name}").write_text(f"{value}\n")
    assert settings().model_fields_set == settings.model_fields.keys()


def test_a_file_gives_the_value_without_its_line_end(secrets: Path) -> None:
    (secrets / "graphfit_database_url").write_text("postgresql://u:p@h/name\n")
    assert models_store.settings.Settings().database_url == "postgresql://u:p@h/name"


def test_the_environment_precedes_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "graphfit_lease_seconds").write_text("7")
    assert models_store.settings.Settings().lease_seconds == 7
    monkeypatch.setenv("GRAPHFIT_LEASE_SECONDS", "")  # an empty variable counts as unset
    assert models_store.settings.Settings().lease_seconds == 7
    monkeypatch.setenv("GRAPHFIT_LEASE_SECONDS", "8")
    assert models_store.settings.Settings().lease_seconds == 8


def test_an_unreadable_file_is_an_error(secrets: Path) -> None:
    path = secrets / "graphfit_database_url"
    path.mkdir()
    with pytest.raises(SettingsError):
        models_store.settings.Settings()
    path.rmdir()
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsError):
        models_store.settings.Settings()


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_the_error_of_a_wrong_value_does_not_contain_it(
    name: str, value: str, secrets: Path
) -> None:
    (secrets / f"graphfit_{name}").write_text(value)
    (settings,) = (settings for settings in CLASSES if name in settings.model_fields)
    with pytest.raises(ValidationError) as refused:
        settings()
    assert "hunter2" not in str(refused.value)


def test_the_command_line_prints_a_line_for_each_wrong_setting(secrets: Path) -> None:
    for name, value in WRONG:
        (secrets / f"graphfit_{name}").write_text(value)
    lines = _refused(secrets)
    names = {name.upper() for name, _ in WRONG}
    assert {line.removeprefix("graphfit: GRAPHFIT_").split(":")[0] for line in lines} == names
    assert len(lines) == len(names)
    assert "hunter2" not in "".join(lines)


def test_the_command_line_prints_a_line_for_a_missing_folder(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    assert _refused(folder) == [f"graphfit: GRAPHFIT_SECRETS_DIR: there is no folder '{folder}'"]


def test_the_command_line_prints_a_line_for_an_unreadable_file(secrets: Path) -> None:
    (secrets / "graphfit_broker_url").write_bytes(b"\xff")
    (line,) = _refused(secrets)
    assert line.startswith("graphfit: GRAPHFIT_BROKER_URL from ")
    assert line.endswith(": it is not UTF-8")


def _refused(secrets: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "migrate"],
        cwd=ROOT,
        env={**os.environ, "GRAPHFIT_SECRETS_DIR": str(secrets)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert not done.stdout
    return done.stderr.splitlines()


def test_the_repr_of_settings_contains_no_passwords() -> None:
    text = repr(
        models_store.settings.Settings(
            database_url="postgresql://u:hunter2@h/n", broker_url="redis://:hunter2@h"
        )
    )
    assert "hunter2" not in text


@pytest.mark.parametrize("given", [{"lease_seconds": 4000}, {"sweep_grace_seconds": 30}])
def test_the_grace_of_a_sweep_exceeds_the_lease(given: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="GRAPHFIT_LEASE_SECONDS") as refused:
        models_store.settings.Settings.model_validate(given)
    assert refused.value.errors()[0]["loc"] == ("sweep_grace_seconds",)
