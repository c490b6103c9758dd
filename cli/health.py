"""`graphfit health`: checks whether a part (API, worker or reaper) is working.

Containers call it every few seconds, so it imports few modules: reading all settings takes one
second of CPU time.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from cli import settings

LEASE_SECONDS = 30.0
"""The default of `GRAPHFIT_LEASE_SECONDS`; a worker whose lease ends loses its job."""
VARIABLES = ("GRAPHFIT_HEARTBEATS", "GRAPHFIT_PULSES")
"""The folder of heartbeat files; the second name is the old one."""
NOT_SET = "GRAPHFIT_HEARTBEATS is not set, so there are no heartbeats to check"


def add_command(commands: Any) -> None:
    """Adds `health` to the command line.

    Args:
        commands: The subparsers of `graphfit`.
    """
    health = commands.add_parser("health", help="check whether a part is working")
    health.add_argument("part", choices=("api", "worker", "reaper"))
    health.add_argument("--port", type=int, default=8000, help="port of the API")
    health.add_argument(
        "--within",
        type=float,
        default=LEASE_SECONDS,
        metavar="SECONDS",
        help="largest age of the last heartbeat",
    )
    health.set_defaults(command=_check, data=None, reads_settings=False)


def _check(options: argparse.Namespace) -> int:
    if options.part == "api":
        fault = _find_api_fault(options.port)
    else:
        fault = _find_heartbeat_fault(options.part, options.within)
    if fault:
        lines = [*settings.find_unknown(), fault] if fault == NOT_SET else [fault]
        sys.stderr.write("".join(f"graphfit: {line}\n" for line in lines))
    return 1 if fault else 0


def _find_api_fault(port: int) -> str | None:
    return None if is_ready(f"http://127.0.0.1:{port}") else "the api is not ready"


def _find_heartbeat_fault(part: str, within: float) -> str | None:
    from worker.supervisor.heartbeat_file import HeartbeatFile

    folder = next(filter(None, map(os.environ.get, VARIABLES)), None)
    if not folder:
        return NOT_SET
    ages = [(file.age(), file.part) for file in HeartbeatFile.list_all(part, Path(folder))]
    if not ages:
        return f"the {part} has sent no heartbeat yet"
    age, oldest = max((age or 0.0, name) for age, name in ages)
    return None if age <= within else f"the {oldest} sent its last heartbeat {age:.0f} s ago"


def is_ready(address: str) -> bool:
    """Returns whether the API at this address answers that it is ready."""
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False
