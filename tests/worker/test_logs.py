"""A store that does not answer for minutes does not fill the log."""

import subprocess
import sys

from tests.support.service import ROOT

SCRIPT = """
import logging
from worker import logs
logs.configure("worker")
log = logging.getLogger("a")
for _ in range(100):
    log.warning("the %s is away", "database")
    log.warning("the %s is away", "bucket")
for _ in range(2):
    log.info("requeued a job")
logs.REPEAT_SECONDS = 0.0
log.warning("the database is away")
"""


def test_an_equal_warning_is_suppressed_and_other_records_are_not() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, check=True, capture_output=True, text=True
    )
    logged = [line.split(" worker ")[1] for line in done.stderr.splitlines()]
    assert logged == [
        "WARNING the database is away",
        "WARNING the bucket is away",
        *["INFO requeued a job"] * 2,
        "WARNING the database is away",
    ]
