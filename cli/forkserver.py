"""One forkserver for all parts of `graphfit serve`, so that Keras is imported once.

The parts are forks of the process that starts the forkserver. That process keeps the listening
socket open, so that requests to fork wait in its queue while a killed forkserver restarts.
"""

import os
import socket
import subprocess
import sys
import tempfile
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.forkserver import ForkServer

from application.children import preload as api_preload
from domain.secret_variables import without_secrets
from worker import preload as worker_preload

PROGRAM = "from multiprocessing.forkserver import main; main({}, {}, {!r})"


class SharedForkserver:
    """The forkserver's socket, and a pipe whose writing end each of its users holds open."""

    def __init__(self) -> None:
        self._address = tempfile.mktemp(prefix="listener-", dir=util.get_temp_dir())
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self._address)
        os.chmod(self._address, 0o600)  # noqa: PTH101 - the address of a socket
        self._listener.listen()
        self._alive_reader, self._alive_writer = os.pipe()

    def start(self) -> "subprocess.Popen[bytes]":
        """Starts the forkserver, which exits when no process uses it."""
        listener, alive = self._listener.fileno(), self._alive_reader
        modules = list(dict.fromkeys(api_preload.MODULES + worker_preload.MODULES))
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(listener, alive, modules)],
            pass_fds=(listener, alive),
            start_new_session=True,
            env=without_secrets(os.environ),
        )

    def install(self) -> None:
        """Makes `multiprocessing` use the forkserver in this process and in its forks."""
        resource_tracker.ensure_running()  # one for all parts
        client = _Client(self._address, self._alive_writer)
        forkserver._forkserver = client
        forkserver.ensure_running = client.ensure_running
        forkserver.get_inherited_fds = client.get_inherited_fds
        forkserver.connect_to_new_process = client.connect_to_new_process
        forkserver.set_forkserver_preload = client.set_forkserver_preload

    def close_server_end(self) -> None:
        """Closes, in a part, the descriptors that only the forkserver and its parent need."""
        self._listener.close()
        os.close(self._alive_reader)


class _Client(ForkServer):
    """A client of a forkserver that another process starts and restarts."""

    def __init__(self, address: str, alive_writer: int) -> None:
        super().__init__()
        self._forkserver_address = address
        self._forkserver_alive_fd = alive_writer

    def ensure_running(self) -> None:
        """Starts only the resource tracker; another process starts the forkserver."""
        resource_tracker.ensure_running()
