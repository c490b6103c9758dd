"""Starts each kind of child process, and prints the names of the variables that it can read.

Run as a program, so that the forkservers start with the environment that a test gives.
"""

import json
import os
import sys
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from application.children.pool import Bounds, Checker
from application.prediction.process import Call, WarmProcess
from worker.preload import MODULES
from worker.supervisor import launch

SEPARATOR = b"\0"


def list_names() -> list[str]:
    """Returns the variables of this process and of its parent, as Python and the kernel see them.

    The parent of a child is its forkserver.
    """
    blocks = [Path(f"/proc/{pid}/environ").read_bytes() for pid in ("self", os.getppid())]
    stored = {line.split(b"=")[0].decode() for block in blocks for line in block.split(SEPARATOR)}
    return sorted({*os.environ, *stored} - {""})


def send_names(connection: Connection) -> None:
    """Sends the variables to the parent."""
    connection.send(list_names())


def find_in_api() -> dict[str, list[str]]:
    """Returns the variables of the children of the API."""
    function = f"{__spec__.name}.{list_names.__name__}"
    checker = Checker(at_once=1, wait_seconds=60)
    check = checker.run(function, bounds=Bounds(60, 2**31))
    warm = WarmProcess(60, 2**31)
    prediction = warm.call(Call(function, ())).value
    warm.kill()
    return {"check": check, "prediction": prediction}


def find_in_worker() -> dict[str, list[str]]:
    """Returns the variables of a training process."""
    get_context("forkserver").set_forkserver_preload(MODULES)
    process, connection = launch._start(send_names)
    names: list[str] = connection.recv()
    process.join()
    return {"training": names}


if __name__ == "__main__":
    from tests.support import child_environment as module

    found = module.find_in_api() if sys.argv[1] == "api" else module.find_in_worker()
    print(json.dumps(found))
