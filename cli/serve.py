"""`graphfit serve`: runs the API, workers and the reaper as child processes, with one forkserver.

This process imports the modules of the parts once and forks them. It starts no thread and opens no
database, since a fork can use neither.
"""

import errno
import gc
import importlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from cli import settings
from cli.forkserver import SharedForkserver
from cli.gpus import share_gpus
from cli.health import is_ready
from cli.part import STOP_SECONDS, Fork, Part, stop_with_parent
from worker import visible_gpus

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


def serve(host: str, port: int, command: Command, workers: int = 1) -> int:
    """Runs the service until SIGINT or SIGTERM and returns the exit status.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 selects a free port.
        command: Runs a part, in a fork of this process.
        workers: The number of workers.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # suppresses TensorFlow's messages
    shared = SharedForkserver()
    forkserver = Part("forkserver", shared.start, restart_seconds=0)
    forkserver.ensure_running()  # started first, since the import of Keras takes longest
    try:
        return _serve(host, port, command, workers, shared, forkserver)
    finally:
        forkserver.terminate()
        forkserver.wait_or_kill(time.monotonic() + STOP_SECONDS)


def _serve(
    host: str,
    port: int,
    command: Command,
    workers: int,
    shared: SharedForkserver,
    forkserver: Part,
) -> int:
    import models_store.settings

    if not settings.check():
        return 1
    listener = _listen(host, port)
    if listener is None or not _prepare(command):
        return 1
    _print(f"data folder: {models_store.settings.Settings().data_folder}")
    shared.install()
    address = f"http://{_format_host(host)}:{listener.getsockname()[1]}"
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    _remove_old_heartbeats()
    parts = _make_parts(host, _Starter(listener, shared, command, stopping), share_gpus(workers))
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
        hint = ""
        if error.errno == errno.EADDRINUSE:
            hint = ". If Graphfit runs there already, use it; --port chooses another port"
        _print(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}{hint}")
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

    def start(self, name: str, arguments: Sequence[str], gpus: str | None = None) -> Fork:
        """Starts one part.

        Args:
            name: The name of the process.
            arguments: The command of `graphfit` that runs the part.
            gpus: The only GPUs that the part may use, as in `CUDA_VISIBLE_DEVICES`; None leaves the
                variable as it is.
        """
        return Fork(name, partial(self._run, arguments, gpus))

    def _run(self, arguments: Sequence[str], gpus: str | None) -> int:
        if self._stopping.is_set():  # a signal arrived before the handlers were reset
            return 0
        os.setsid()  # Ctrl-C reaches only the parent, which stops its parts
        os.close(self._pipe_end)
        self._shared.close_server_end()
        if "--fd" not in arguments:
            self.listener.close()
        stop_with_parent(self._pipe)
        if gpus is not None:
            visible_gpus.apply(gpus)
        return self._command(arguments)


def _make_parts(host: str, starter: _Starter, shares: Sequence[str | None]) -> list[Part]:
    """Returns the API, a worker for each share of the GPUs, and the reaper."""
    port, fd = starter.listener.getsockname()[1], starter.listener.fileno()
    api = ["api", "--host", host, "--port", str(port), "--fd", str(fd)]
    return [
        Part("api", partial(starter.start, "api", api)),
        *_make_workers(starter, shares),
        Part("reaper", partial(starter.start, "reaper", ["reaper"])),
    ]


def _make_workers(starter: _Starter, shares: Sequence[str | None]) -> Iterator[Part]:
    if len(shares) == 1:
        yield Part("worker", partial(starter.start, "worker", ["worker"], shares[0]))
        return
    for number, gpus in enumerate(shares, start=1):
        name, arguments = f"worker-{number}", ["worker", "--number", str(number)]
        yield Part(name, partial(starter.start, name, arguments, gpus))


def _remove_old_heartbeats() -> None:
    """Deletes the heartbeats of earlier workers, of which there may have been more."""
    from worker.settings import Settings
    from worker.supervisor.heartbeat_file import HeartbeatFile

    folder = Settings().heartbeats
    for file in HeartbeatFile.list_all("worker", folder) if folder else ():
        file.remove()


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
