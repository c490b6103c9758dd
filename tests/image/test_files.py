"""The Dockerfile and docker-compose.yml say what their own tools understand."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.service import ROOT


def output(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_hadolint_accepts_the_dockerfile() -> None:
    output(Path(sys.executable).with_name("hadolint"), "Dockerfile")


def test_the_image_is_labelled_with_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'image.version="{version}"' in (ROOT / "Dockerfile").read_text()


def test_the_image_is_built_from_every_file_of_the_package() -> None:
    taken = (ROOT / ".dockerignore").read_text().split()
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    parts = [f"{name}.py" for name in setuptools["py-modules"]]
    parts += [name for name in setuptools["packages"]["find"]["include"] if "*" not in name]
    assert [part for part in parts if f"!{part}" not in taken] == []
