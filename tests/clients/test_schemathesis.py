"""Schemathesis sends requests made from the OpenAPI document, and checks each answer against it.

All of its checks run, on 3,000 random requests in all beside those of its other phases. The
exceptions are in `schemathesis/schemathesis.toml`, each with its reason.
"""

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from api.openapi.document import TAGS
from api.openapi.operations import list_operations
from api.write_openapi import FILE
from tests.clients.programs import make_environment, run
from tests.support.engines import EMBEDDED
from tests.support.service import ROOT, Service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
HERE = Path(__file__).parent / "schemathesis"
EXAMPLES = int(os.environ.get("GRAPHFIT_TEST_EXAMPLES", "3000"))
"""The number of random requests to all operations together."""
SEQUENCES = 50
"""The number of random sequences of operations, each on what the one before has made."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that requires API keys."""
    service = EMBEDDED.service(tmp_path_factory.mktemp("guarded"), AUTH="keys")
    yield service
    service.stop()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of Schemathesis's program."""
    return make_environment(HERE / "requirements.txt", tmp_path_factory.mktemp("environment"))


def make_key(service: Service) -> str:
    command = [sys.executable, "-m", "cli.main", "keys", "create", "--owner", "schemathesis"]
    done = subprocess.run(
        command, cwd=ROOT, env=service.environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def check_operations(service: Service, programs: Path, folder: Path, *options: str) -> None:
    """Runs Schemathesis, which fails if one of its checks does."""
    for name in ("schemathesis.toml", "hooks.py"):
        shutil.copy(HERE / name, folder)
    run(
        programs / "st",
        *("run", FILE, "--url", service.address, "--no-color"),
        *options,
        folder=folder,
        GRAPHFIT_KEY=make_key(service),
        SCHEMATHESIS_HOOKS="hooks",
    )


@pytest.mark.parametrize("tag", [tag["name"] for tag in TAGS])
def test_every_answer_is_as_the_document_says(
    guarded: Service, programs: Path, tmp_path: Path, tag: str
) -> None:
    operations = len(list(list_operations(create_app().openapi())))
    count = math.ceil(EXAMPLES / operations)
    phases = ("--phases", "examples,coverage,fuzzing", "--max-examples", str(count))
    check_operations(guarded, programs, tmp_path, "--include-tag", tag, *phases)


def test_sequences_of_operations_are_as_the_document_says(
    guarded: Service, programs: Path, tmp_path: Path
) -> None:
    options = ("--phases", "examples,stateful", "--max-examples", str(SEQUENCES))
    check_operations(guarded, programs, tmp_path, *options)
