"""The generated pages are current, and every problem type is documented."""

import subprocess
import sys

import pytest

from tests.support.service import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("page", ["settings", "layers"])
def test_a_generated_page_is_current(page: str) -> None:
    command = [sys.executable, "-m", f"docs.generate_{page}", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `make format`\n{done.stdout}{done.stderr}"
