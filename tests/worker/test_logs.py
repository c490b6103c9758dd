"""A store that is away for minutes does not fill the log."""

import subprocess
import sys

from tests.support.service import ROOT

SAYS = """
import logging
from worker import logs
logs.begin("worker")
log = logging.getLogger("a")
for _ in range(100):
    log.warning("the %s is away", "database")
    log.warning("the %s is away", "bucket")
for _ in range(2):
    log.info("took back a job")
logs.QUIET_SECONDS = 0.0
log.warning("the database is away")
"""


def test_a_warning_is_not_said_again_at_once_and_all_else_is() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAYS], cwd=ROOT, check=True, capture_output=True, text=True
    )
    said = [line.split(" worker ")[1] for line in done.stderr.splitlines()]
    assert said == [
        "WARNING the database is away",
        "WARNING the bucket is away",
        *["INFO took back a job"] * 2,
        "WARNING the database is away",
    ]
