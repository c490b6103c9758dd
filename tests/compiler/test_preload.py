"""What is said while Keras is imported."""

import subprocess
import sys

import pytest

from tests.support.service import ROOT

PROGRAM = """
import sys
from compiler.preload import held_back
with held_back():
    import os
    os.write(2, b"a remark")
try:
    with held_back():
        os.write(2, b"the reason")
        raise ImportError
except ImportError:
    pass
"""


@pytest.mark.slow
def test_remarks_are_held_back_unless_the_import_fails() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == "the reason"
