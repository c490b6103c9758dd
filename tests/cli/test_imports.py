"""The command line starts fast: its modules import nothing heavy."""

import subprocess
import sys

from cli.health import LEASE_SECONDS
from models_store.settings import Settings
from tests.support.service import ROOT

SCRIPT = """
import sys
import cli.health, cli.keys, cli.main, cli.verify
heavy = ("alembic", "celery", "fastapi", "keras", "numpy", "pydantic", "sqlalchemy", "tensorflow")
print([name for name in heavy if name in sys.modules])
"""


def test_the_command_line_imports_nothing_heavy_at_module_level() -> None:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_the_default_of_health_is_the_default_lease() -> None:
    assert Settings.model_fields["lease_seconds"].default == LEASE_SECONDS
