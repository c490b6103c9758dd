"""The default data folder is the user's, and the data of an earlier version is warned of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import data_folder
from models_store.settings import Settings
from tests.support.service import ROOT

PRINT = "from models_store.settings import Settings; print(Settings().data_folder)"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who names no data folder; no earlier version ran in the clone."""
    for name in ("GRAPHFIT_DATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(data_folder, "OF_PACKAGE", tmp_path / "clone" / data_folder.OLD)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def fill(folder: Path) -> Path:
    """Makes a folder with the rows of an earlier version."""
    folder.mkdir(parents=True)
    (folder / "graphfit.sqlite").touch()
    return folder


def printed_folder(working_directory: Path, **variables: str) -> str:
    removed = {"GRAPHFIT_DATA", "XDG_DATA_HOME"}
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    done = subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=working_directory,
        env={**kept, "PYTHONPATH": str(ROOT), **variables},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_the_default_does_not_depend_on_the_working_directory(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folder in (ROOT, elsewhere):
        assert printed_folder(folder, HOME=home) == f"{home}/.local/share/graphfit"
    assert printed_folder(elsewhere, HOME=home, XDG_DATA_HOME="/data") == "/data/graphfit"
    assert printed_folder(elsewhere, GRAPHFIT_DATA="here") == str(elsewhere / "here")


@pytest.mark.parametrize("place", ["models_store/var", "clone/models_store/var"])
def test_data_in_the_old_default_is_warned_of(home: Path, tmp_path: Path, place: str) -> None:
    """Of the working directory, and of the clone that the program runs from."""
    assert data_folder.find_old_data(Settings()) == []
    old = fill(tmp_path / place)
    (line,) = data_folder.find_old_data(Settings())
    assert line.startswith(f"warning: '{old}' has data of an earlier version")
    assert f"GRAPHFIT_DATA='{old}'" in line
    assert str(Settings().data_folder) in line
    fill(Settings().data_folder)  # the first start makes it; the warning must not end then
    assert data_folder.find_old_data(Settings()) == [line]


def test_an_old_folder_without_data_is_not_warned_of(home: Path, tmp_path: Path) -> None:
    (tmp_path / "models_store" / "var" / "cache").mkdir(parents=True)
    assert data_folder.find_old_data(Settings()) == []


def test_a_named_data_folder_is_not_warned_of(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fill(tmp_path / "models_store" / "var")
    for name in (old, tmp_path / "other"):
        monkeypatch.setenv("GRAPHFIT_DATA", str(name))
        assert data_folder.find_old_data(Settings()) == []


def test_old_rows_are_not_warned_of_where_rows_are_elsewhere(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fill(tmp_path / "models_store" / "var")
    monkeypatch.setenv("GRAPHFIT_DATABASE_URL", "postgresql://host/name")
    assert data_folder.find_old_data(Settings()) == []
    (old / "artifacts").mkdir()
    assert len(data_folder.find_old_data(Settings())) == 1


def test_a_folder_that_cannot_be_made_is_a_line(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRAPHFIT_DATA", str(tmp_path / "file" / "data"))
    (line,) = data_folder.find_faults(Settings())
    assert line == (
        f"the data folder '{tmp_path}/file/data' cannot be used: Not a directory; "
        "--data or GRAPHFIT_DATA names another folder"
    )
    monkeypatch.setenv("GRAPHFIT_DATABASE_URL", "postgresql://host/name")
    assert data_folder.find_faults(Settings()) == []


def test_a_command_warns_and_leaves_the_old_data_alone(home: Path, tmp_path: Path) -> None:
    old = fill(tmp_path / "models_store" / "var")
    command = [sys.executable, "-m", "cli.main", "keys", "create", "--owner", "ada"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"graphfit: warning: '{old}' has data of an earlier version" in done.stderr
    assert (old / "graphfit.sqlite").stat().st_size == 0
    assert Settings().data_folder.joinpath("graphfit.sqlite").exists()
