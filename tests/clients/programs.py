"""Runs programs of other distributions, which have environments of their own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.require import unavailable

BIN = Path(sys.executable).parent


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    """Runs a program in a folder and returns what it prints; it must succeed."""
    done = _run(command, folder, variables)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def install(*command: str | Path, folder: Path, **variables: str) -> None:
    """Runs a program that downloads packages; if it fails, they count as unavailable."""
    done = _run(command, folder, variables)
    if done.returncode != 0:
        unavailable(f"packages could not be installed:\n{done.stdout}\n{done.stderr}")


def make_environment(requirements: Path, folder: Path) -> Path:
    """Installs hashed requirements into a new virtual environment, and returns its `bin` folder."""
    uv, programs = BIN / "uv", folder / "venv" / "bin"
    run(uv, "venv", "--quiet", "--python", sys.executable, "venv", folder=folder)
    options = ("--quiet", "--python", programs / "python", "--require-hashes")
    install(uv, "pip", "install", *options, "-r", requirements, folder=folder)
    return programs


def _run(
    command: tuple[str | Path, ...], folder: Path, variables: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
