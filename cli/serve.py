"""`graphfit serve`: API, worker and reaper as child processes of one, with one forkserver.

This process imports what the parts need, once, and forks them. It starts no thread and opens no
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
from cli.part import STOP_SECONDS, Fork, Part, end_with_parent

Command = Callable[[Sequence[str]], int]
"""Runs a command of `graphfit` by its arguments and gives its exit status."""
MOST_FALSE_STARTS = 3
LOOK_SECONDS = 0.2
"""Between two looks at the parts."""
FIRST_LOOK_SECONDS = 0.05
"""The same, until the service is ready."""
OF_MIGRATION = ("alembic.command", "models_store.settings", "models_store.database.migrate")
OF_PARTS = ("api.server", "worker.supervisor.main", "worker.reaper.main")


def serve(host: str, port: int, command: Command) -> int:
    """Runs the service until SIGINT or SIGTERM, and gives the exit status.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 for any.
        command: Runs a part, in a fork of this process.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else TensorFlow logs its own start
    shared = SharedForkserver()
    forkserver = Part("forkserver", shared.start, calm_seconds=0)
    forkserver.ensure_running()  # importing Keras takes longest, so it begins first
    try:
        return _serve(host, port, command, shared, forkserver)
    finally:
        forkserver.terminate()
        forkserver.reap(time.monotonic() + STOP_SECONDS)


def _serve(
    host: str, port: int, command: Command, shared: SharedForkserver, forkserver: Part
) -> int:
    faults = settings.faults()
    if faults:
        sys.stderr.write("".join(f"graphfit: {line}\n" for line in faults))
        return 1
    listener = _listener(host, port)
    if listener is None or not _is_prepared(command):
        return 1
    shared.use()
    address = f"http://{_bracketed(host)}:{listener.getsockname()[1]}"
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    parts = _parts(host, _Starter(listener, shared, command, stopping))
    try:
        return _watch([forkserver, *parts], address, stopping)
    finally:
        _stop(parts)


def _listener(host: str, port: int) -> socket.socket | None:
    """The parent holds the socket: connections wait while the API is started again."""
    import api.settings

    refusal = api.settings.Settings().explain_refused_host(host)
    if refusal is not None:
        _say(refusal)
        return None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        _say(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}")
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_prepared(command: Command) -> bool:
    """Migrates the database in a fork, and imports what the parts need meanwhile."""
    _import(OF_MIGRATION)
    migration = Fork("migrate", partial(command, ["migrate"]))
    try:
        _import(OF_PARTS)
        gc.collect()
        gc.freeze()  # else a collection in a fork copies the pages that it touches
    finally:
        status = migration.wait()
    return status == 0


def _import(modules: Sequence[str]) -> None:
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
        self._guard, self._held = os.pipe()
        """The writing end closes when this process dies, however it dies."""

    def start(self, name: str, arguments: Sequence[str]) -> Fork:
        """Starts one part."""
        return Fork(name, partial(self._run, arguments))

    def _run(self, arguments: Sequence[str]) -> int:
        if self._stopping.is_set():  # by a signal since the fork, before the handlers were reset
            return 0
        os.setsid()  # Ctrl-C reaches the parent alone, which stops its parts
        os.close(self._held)
        self._shared.close_server_end()
        if "--fd" not in arguments:
            self.listener.close()
        end_with_parent(self._guard)
        return self._command(arguments)


def _parts(host: str, starter: _Starter) -> list[Part]:
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
            said = part.ensure_running()
            if part.false_starts >= MOST_FALSE_STARTS:
                _say(f"{part.name} does not start; giving up")
                return 1
            if said:
                _say(said)
        if not announced and is_ready(address):
            _say(f"ready: {address}  documentation: {address}/docs")
            announced = True
        stopping.wait(LOOK_SECONDS if announced else FIRST_LOOK_SECONDS)
    return 0


def _stop(parts: list[Part]) -> None:
    _say("stopping")
    for part in parts:
        part.terminate()
    until = time.monotonic() + STOP_SECONDS
    for part in parts:
        part.reap(until)


def _say(text: str) -> None:
    with suppress(BrokenPipeError):  # nobody reads it, which is no reason not to stop the parts
        sys.stdout.write(f"graphfit: {text}\n")
        sys.stdout.flush()
