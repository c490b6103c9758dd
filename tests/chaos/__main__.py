"""`make chaos`: a storm over a whole cluster, and whether anything was lost in it."""

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.storm import Options, Storm


def main() -> int:
    """Gives 1 where a promise was broken, and keeps the logs then."""
    asked = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended in the midst of it"))
    options = Options(jobs=asked.jobs, seed=asked.seed, pace=asked.pace)
    folder = Path(tempfile.mkdtemp(prefix=f"graphfit-storm-{asked.seed}-"))
    report = Storm(options, folder, aloud=not asked.quiet).run()
    for line in report.lines():
        print(line)
    if report.violations or asked.keep:
        print(f"logs: {report.logs}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if report.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--pace", type=float, default=4.0, help="mean seconds between two faults")
    parser.add_argument("--keep", action="store_true", help="the logs, come what may")
    parser.add_argument("--quiet", action="store_true", help="only the report")
    return parser


if __name__ == "__main__":
    sys.exit(main())
