"""`graphfit health`: tells a container whether the part in it does its work.

Asked every few seconds for as long as the part lives, so it imports next to nothing: reading all
the settings takes a second of a core's time.
"""

import argparse
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SILENT_SECONDS = 30.0
"""A worker that is silent for so long has lost its job to another: the default of a lease."""


def add_command(commands: Any) -> None:
    """Teaches the command line `health`.

    Args:
        commands: The subparsers of `graphfit`.
    """
    health = commands.add_parser("health", help="whether a part is at work, for health checks")
    health.add_argument("part", choices=("api", "worker", "reaper"))
    health.add_argument("--port", type=int, default=8000, help="where the API listens")
    health.add_argument(
        "--within", type=float, default=SILENT_SECONDS, metavar="SECONDS", help="of the last sign"
    )
    health.set_defaults(command=_check, data=None, reads_settings=False)


def _check(options: argparse.Namespace) -> int:
    wrong = _api(options.port) if options.part == "api" else _pulse(options.part, options.within)
    if wrong:
        sys.stderr.write(f"graphfit: {wrong}\n")
    return 1 if wrong else 0


def _api(port: int) -> str | None:
    return None if is_ready(f"http://127.0.0.1:{port}") else "the api is not ready"


def _pulse(part: str, within: float) -> str | None:
    from worker.supervisor.heartbeat_file import Pulse

    folder = os.environ.get("GRAPHFIT_PULSES")
    if not folder:
        return "without GRAPHFIT_PULSES no pulse can be felt"
    age = Pulse.of(part, Path(folder)).age()
    if age is None:
        return f"the {part} has given no sign yet"
    return None if age <= within else f"the {part} gave its last sign {age:.0f} s ago"


def is_ready(address: str) -> bool:
    """Whether the API at this address can serve."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False
