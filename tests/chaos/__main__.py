"""`make chaos`: runs jobs on a whole cluster under faults, and checks every invariant."""

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.chaos_run import ChaosRun, Options


def main() -> int:
    """Returns 1 and keeps the logs if an invariant does not hold."""
    given = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM during the run"))
    options = Options(jobs=given.jobs, seed=given.seed, pace=given.pace)
    folder = Path(tempfile.mkdtemp(prefix=f"graphfit-chaos-{given.seed}-"))
    report = ChaosRun(options, folder, is_printed=not given.quiet).run()
    for line in report.lines():
        print(line)
    if report.violations or given.keep:
        print(f"logs: {report.logs}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if report.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--pace", type=float, default=4.0, help="mean seconds between two faults")
    parser.add_argument("--keep", action="store_true", help="keep the logs in any case")
    parser.add_argument("--quiet", action="store_true", help="print only the report")
    return parser


if __name__ == "__main__":
    sys.exit(main())
