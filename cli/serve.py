"""`graphfit serve`: API, worker and reaper as child processes of one."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from api.settings import Settings
from cli.health import is_ready

GUARD = "GRAPHFIT_GUARD_FD"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}
"""TensorFlow's remarks on its own start are not the service's."""
STOP_SECONDS = 20.0
CALM_SECONDS = 5.0
MOST_FALSE_STARTS = 3


@dataclass
class Part:
    """One child process, started again whenever it dies."""

    name: str
    arguments: Sequence[str]
    inherited: Sequence[int]
    process: subprocess.Popen[bytes] | None = None
    started: float = field(default=0.0)
    false_starts: int = field(default=0)
    """How often in a row it has ended by itself soon after it was started."""

    def ensure_running(self) -> None:
        """Starts it, unless it runs or has died too soon after its last start."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            if time.monotonic() - self.started < CALM_SECONDS:
                return
            self.false_starts = self.false_starts + 1 if self.process.returncode > 0 else 0
            _say(f"{self.name} ended (status {self.process.returncode}); starting it again")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *self.arguments],
            pass_fds=self.inherited,
            env={**QUIET, **os.environ, GUARD: str(self.inherited[0])},
            start_new_session=True,  # Ctrl-C reaches the parent alone, which stops its parts
        )

    def terminate(self) -> None:
        """Asks it to stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def reap(self, until: float) -> None:
        """Waits for its end, and kills it when it takes too long."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def serve(host: str, port: int) -> int:
    """Runs the service until SIGINT or SIGTERM, and gives the exit status."""
    refusal = Settings().unlistenable(host)
    if refusal is not None:
        _say(refusal)
        return 1
    try:
        listener = _listen(host, port)
    except OSError as error:
        _say(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}")
        return 1
    if not _migrated():
        return 1
    guard, held = os.pipe()  # its other end closes when this process dies, however it dies
    address = f"http://{_bracketed(host)}:{listener.getsockname()[1]}"
    parts = _parts(host, listener, guard)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        return _watch(parts, address, stopping)
    finally:
        _stop(parts)
        os.close(held)


def _listen(host: str, port: int) -> socket.socket:
    """The parent holds the socket: connections wait while the API is started again."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _migrated() -> bool:
    command = [sys.executable, "-m", "cli.main", "migrate"]
    return subprocess.run(command, check=False).returncode == 0


def _parts(host: str, listener: socket.socket, guard: int) -> list[Part]:
    port, fd = listener.getsockname()[1], listener.fileno()
    api = ["api", "--host", host, "--port", str(port), "--fd", str(fd)]
    return [
        Part("api", api, (guard, fd)),
        Part("worker", ["worker"], (guard,)),
        Part("reaper", ["reaper"], (guard,)),
    ]


def _watch(parts: list[Part], address: str, stopping: threading.Event) -> int:
    announced = False
    while not stopping.is_set():
        for part in parts:
            part.ensure_running()
            if part.false_starts >= MOST_FALSE_STARTS:
                _say(f"{part.name} does not start; giving up")
                return 1
        if not announced and is_ready(address):
            _say(f"ready: {address}  documentation: {address}/docs")
            announced = True
        stopping.wait(0.2)
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


def end_with_parent() -> None:
    """In a part: stops it softly, then hard, when the process that started it is gone."""
    guard = os.environ.pop(GUARD, None)
    if guard is None:
        return
    fd = int(guard)
    os.set_inheritable(fd, False)

    def watch() -> None:
        os.read(fd, 1)  # returns only at the end of the stream
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="guard", daemon=True).start()
