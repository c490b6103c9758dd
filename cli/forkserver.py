"""One forkserver for all parts of `graphfit serve`, so that Keras is imported once.

The parts are forks of the process that starts it. It keeps the listening socket: requests to fork
wait in its queue while a forkserver that was killed is started again.
"""

import os
import socket
import subprocess
import sys
import tempfile
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.forkserver import ForkServer

from application.children import preload as of_api
from worker import preload as of_worker

PROGRAM = "from multiprocessing.forkserver import main; main({}, {}, {!r})"


class SharedForkserver:
    """Its socket, and the pipe whose writing end is open in each process that uses it."""

    def __init__(self) -> None:
        self._address = tempfile.mktemp(prefix="listener-", dir=util.get_temp_dir())
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self._address)
        os.chmod(self._address, 0o600)  # noqa: PTH101 - the address of a socket
        self._listener.listen()
        self._alive_reader, self._alive_writer = os.pipe()

    def start(self) -> "subprocess.Popen[bytes]":
        """Starts the process. It ends by itself when no process uses it any more."""
        listener, alive = self._listener.fileno(), self._alive_reader
        modules = list(dict.fromkeys(of_api.MODULES + of_worker.MODULES))
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(listener, alive, modules)],
            pass_fds=(listener, alive),
            start_new_session=True,
        )

    def use(self) -> None:
        """Lets `multiprocessing` fork from it, in this process and in forks of this process."""
        resource_tracker.ensure_running()  # one for all parts
        client = _Client(self._address, self._alive_writer)
        forkserver._forkserver = client
        forkserver.ensure_running = client.ensure_running
        forkserver.get_inherited_fds = client.get_inherited_fds
        forkserver.connect_to_new_process = client.connect_to_new_process
        forkserver.set_forkserver_preload = client.set_forkserver_preload

    def close_server_end(self) -> None:
        """Closes, in a part, what only the forkserver and its starter need."""
        self._listener.close()
        os.close(self._alive_reader)


class _Client(ForkServer):
    """Forks from a server that another process starts, and starts again when it dies."""

    def __init__(self, address: str, alive_writer: int) -> None:
        super().__init__()
        self._forkserver_address = address
        self._forkserver_alive_fd = alive_writer

    def ensure_running(self) -> None:
        """Leaves the server to the process that has started it."""
        resource_tracker.ensure_running()
