"""`graphfit serve`: runs the API, a worker and the reaper as child processes, with one forkserver.

This process imports the modules of the parts once and forks them. It starts no thread and opens no
database, since a fork can use neither.
"""

import gc
import importlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from cli import settings
from cli.forkserver import SharedForkserver
from cli.health import is_ready
from cli.part import STOP_SECONDS, Fork, Part, stop_with_parent

Command = Callable[[Sequence[str]], int]
"""Runs a command of `graphfit` with these arguments and returns its exit status."""
MOST_FAILURES = 3
"""Consecutive exits of a part after which the service stops."""
POLL_SECONDS = 0.2
"""Time between two checks of the parts."""
STARTUP_POLL_SECONDS = 0.05
"""Time between two checks until the service is ready."""
MIGRATION_MODULES = ("alembic.command", "models_store.settings", "models_store.database.migrate")
PART_MODULES = ("api.server", "worker.supervisor.main", "worker.reaper.main")


def serve(host: str, port: int, command: Command) -> int:
    """Runs the service until SIGINT or SIGTERM and returns the exit status.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 selects a free port.
        command: Runs a part, in a fork of this process.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # suppresses TensorFlow's messages
    shared = SharedForkserver()
    forkserver = Part("forkserver", shared.start, restart_seconds=0)
    forkserver.ensure_running()  # started first, since the import of Keras takes longest
    try:
        return _serve(host, port, command, shared, forkserver)
    finally:
        forkserver.terminate()
        forkserver.wait_or_kill(time.monotonic() + STOP_SECONDS)


def _serve(
    host: str, port: int, command: Command, shared: SharedForkserver, forkserver: Part
) -> int:
    faults = settings.find_faults()
    if faults:
        sys.stderr.write("".join(f"graphfit: {line}\n" for line in faults))
        return 1
    listener = _listen(host, port)
    if listener is None or not _prepare(command):
        return 1
    shared.install()
    address = f"http://{_format_host(host)}:{listener.getsockname()[1]}"
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    parts = _make_parts(host, _Starter(listener, shared, command, stopping))
    try:
        return _watch([forkserver, *parts], address, stopping)
    finally:
        _stop(parts)


def _listen(host: str, port: int) -> socket.socket | None:
    """Returns a listening socket, or prints why there is none.

    This process keeps the socket open, so that connections wait while the API restarts.
    """
    import api.settings

    reason = api.settings.Settings().explain_refused_host(host)
    if reason is not None:
        _print(reason)
        return None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        _print(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}")
        return None


def _format_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _prepare(command: Command) -> bool:
    """Migrates the database in a fork and meanwhile imports the modules of the parts.

    Returns:
        Whether the migration succeeded.
    """
    _import_modules(MIGRATION_MODULES)
    migration = Fork("migrate", partial(command, ["migrate"]))
    try:
        _import_modules(PART_MODULES)
        gc.collect()
        gc.freeze()  # a collection in a fork would copy the pages that it writes
    finally:
        status = migration.wait()
    return status == 0


def _import_modules(modules: Sequence[str]) -> None:
    for name in modules:
        importlib.import_module(name)


class _Starter:
    """Starts parts as forks of this process."""

    def __init__(
        self,
        listener: socket.socket,
        shared: SharedForkserver,
        command: Command,
        stopping: threading.Event,
    ) -> None:
        self.listener = listener
        self._shared = shared
        self._command = command
        self._stopping = stopping
        self._pipe, self._pipe_end = os.pipe()
        """The kernel closes the writing end when this process exits for any reason."""

    def start(self, name: str, arguments: Sequence[str]) -> Fork:
        """Starts one part."""
        return Fork(name, partial(self._run, arguments))

    def _run(self, arguments: Sequence[str]) -> int:
        if self._stopping.is_set():  # a signal arrived before the handlers were reset
            return 0
        os.setsid()  # Ctrl-C reaches only the parent, which stops its parts
        os.close(self._pipe_end)
        self._shared.close_server_end()
        if "--fd" not in arguments:
            self.listener.close()
        stop_with_parent(self._pipe)
        return self._command(arguments)


def _make_parts(host: str, starter: _Starter) -> list[Part]:
    port, fd = starter.listener.getsockname()[1], starter.listener.fileno()
    arguments = {
        "api": ["api", "--host", host, "--port", str(port), "--fd", str(fd)],
        "worker": ["worker"],
        "reaper": ["reaper"],
    }
    return [Part(name, partial(starter.start, name, words)) for name, words in arguments.items()]


def _watch(parts: list[Part], address: str, stopping: threading.Event) -> int:
    announced = False
    while not stopping.is_set():
        for part in parts:
            message = part.ensure_running()
            if part.failures >= MOST_FAILURES:
                _print(f"{part.name} has failed {MOST_FAILURES} times in a row; stopping")
                return 1
            if message:
                _print(message)
        if not announced and is_ready(address):
            _print(f"ready: {address}  documentation: {address}/docs")
            announced = True
        stopping.wait(POLL_SECONDS if announced else STARTUP_POLL_SECONDS)
    return 0


def _stop(parts: list[Part]) -> None:
    _print("stopping")
    for part in parts:
        part.terminate()
    until = time.monotonic() + STOP_SECONDS
    for part in parts:
        part.wait_or_kill(until)


def _print(text: str) -> None:
    with suppress(BrokenPipeError):  # the parts must be stopped even if standard output is closed
        sys.stdout.write(f"graphfit: {text}\n")
        sys.stdout.flush()
