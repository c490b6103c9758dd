"""The messages that Keras and TensorFlow write while they are imported."""

import subprocess
import sys

import pytest

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
