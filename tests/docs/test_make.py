"""`make` sets up in a few lines, and shows what failed. A script stands in for Python and uv."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.require import require_program
from tests.support.service import ROOT

STAND_IN = """#!/bin/sh
[ "$1" = -c ] && exit 0  # asks for the version of Python
echo "noise of $*"
case "$*" in
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/uv" ;;
    *"$FAILS"*) exit 3 ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what `make` reads, and a stand-in for Python."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "pyproject.toml").touch()
    for name in ("bootstrap.txt", "dev.txt", "test-data.txt"):
        (tmp_path / "requirements" / name).touch()
    script = tmp_path / "bin" / "python3"
    script.parent.mkdir()
    script.write_text(STAND_IN)
    script.chmod(0o755)
    return tmp_path


def set_up(clone: Path, fails: str = "nothing") -> "subprocess.CompletedProcess[str]":
    make = require_program("make")
    path = f"{clone / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(make), "--no-print-directory", "-f", str(ROOT / "Makefile"), "setup"],
        cwd=clone,
        env={**os.environ, "PATH": path, "FAILS": fails},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_setup_prints_a_line_for_each_step(clone: Path) -> None:
    done = set_up(clone)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Creating .venv ...",
        "Installing requirements/dev.txt (the first time this downloads 700 MB: a minute or two) "
        "...",
        "Installing graphfit ...",
    ]
    assert not done.stderr
    assert "Nothing to be done" in set_up(clone).stdout or not set_up(clone).stdout


@pytest.mark.parametrize(
    ("fails", "steps"), [("-r requirements/bootstrap.txt", 1), ("-r requirements/dev.txt", 2)]
)
def test_a_step_that_fails_shows_what_it_printed(clone: Path, fails: str, steps: int) -> None:
    done = set_up(clone, fails)
    assert done.returncode != 0
    assert f"--require-hashes {fails}" in done.stderr
    assert "noise of" in done.stderr
    assert len(done.stdout.splitlines()) == steps
    assert set_up(clone).returncode == 0  # the step is done again
