"""The messages of Keras while it is imported, and the environment of the forkserver."""

import json
import os
import subprocess
import sys

import pytest

from domain.secret_variables import is_secret
from tests.support.service import ROOT

PROGRAM = """
import sys
from compiler.preload import silence_stderr
with silence_stderr():
    import os
    os.write(2, b"a remark")
try:
    with silence_stderr():
        os.write(2, b"the reason")
        raise ImportError
except ImportError:
    pass
"""


@pytest.mark.slow
def test_stderr_is_silent_unless_the_import_fails() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == "the reason"


SECRETS = {
    "GRAPHFIT_DATABASE_URL": "postgresql://user:password@host/db",
    "GRAPHFIT_S3_SECRET_KEY": "b",
    "AWS_SECRET_ACCESS_KEY": "c",
    "PGPASSWORD": "e",
}


@pytest.mark.parametrize("part", [pytest.param("api", marks=pytest.mark.slow), "worker"])
def test_no_child_process_can_read_a_secret_variable(part: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.child_environment", part],
        cwd=ROOT,
        env={**os.environ, **SECRETS, "GRAPHFIT_PLAIN": "a"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == ({"check", "prediction"} if part == "api" else {"training"})
    for names in found.values():
        assert "GRAPHFIT_PLAIN" in names
        assert [name for name in names if is_secret(name)] == []
