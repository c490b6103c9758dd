"""A warm process keeps running between calls, and no call outlives its limits."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from application.children.pool import Unfinished
from application.prediction import process as module
from application.prediction.computation import Uncomputable
from application.prediction.process import Call, WarmProcess
from application.prediction.signature import Shapes
from domain.errors import Busy, Fault
from tests.support.service import until

SECONDS = 20
MEMORY_BYTES = 2**28


@pytest.fixture
def process() -> Iterator[WarmProcess]:
    started = WarmProcess(SECONDS, MEMORY_BYTES)
    yield started
    started.kill()


def get_pid(process: WarmProcess) -> int:
    pid: int = process.call(Call("os.getpid", ())).value
    return pid


@pytest.mark.slow
def test_calls_run_in_one_other_process(process: WarmProcess) -> None:
    assert process.call(Call("builtins.sum", ([1, 2, 3],))).value == 6
    first = get_pid(process)
    assert first != os.getpid()
    assert get_pid(process) == first


def test_the_time_of_a_call_is_measured_there(process: WarmProcess) -> None:
    assert process.call(Call("time.sleep", (0.05,))).seconds >= 0.05


def test_a_call_is_ended_at_its_deadline_and_another_process_goes_on() -> None:
    process = WarmProcess(0.5, MEMORY_BYTES)
    started = time.monotonic()
    with pytest.raises(Unfinished, match="PREDICT_SECONDS"):
        process.call(Call("time.sleep", (60,)))
    assert time.monotonic() - started < 30
    assert process.call(Call("builtins.len", ("abc",))).value == 3
    process.kill()


def test_a_call_that_holds_the_interpreter_is_ended_at_its_deadline() -> None:
    """A computation in C gives no other thread of the process a turn."""
    process = WarmProcess(0.5, 2**30)
    started = time.monotonic()
    with pytest.raises(Unfinished, match=r"longer than 0\.5 seconds"):
        process.call(Call("builtins.pow", (7, 10**9)))
    assert time.monotonic() - started < 30
    assert process._process is None
    process.kill()


def serve_without_handlers(connection: Connection) -> None:
    """Serves calls of 0.2 s in a fork of this process, which has pytest's handler of the alarm."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    module._serve(connection, 0.2, 2**30)


def test_a_process_ends_itself_if_nobody_ends_it_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_without_handlers, args=(theirs,))
    process.start()
    assert ours.recv() == "ready"
    ours.send(Call("builtins.pow", (7, 10**9)))
    process.join(30)
    assert process.exitcode == -signal.SIGALRM


def test_a_call_that_takes_too_much_memory_is_refused_and_its_process_replaced(
    process: WarmProcess,
) -> None:
    first = get_pid(process)
    with pytest.raises(Unfinished, match="PREDICT_MEMORY_BYTES"):
        process.call(Call("builtins.bytearray", (2**30,)))
    assert get_pid(process) != first


def test_an_error_is_raised_here_and_the_process_stays(process: WarmProcess) -> None:
    first = get_pid(process)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        process.call(Call("operator.truediv", (1, 0)))
    assert get_pid(process) == first


def refuse(shapes: Shapes) -> None:
    raise Uncomputable([Fault(pointer="/instances", detail="Not these.")], shapes)


@pytest.mark.slow
def test_a_call_that_stays_at_its_memory_limit_is_ended() -> None:
    process = WarmProcess(120, 2**26)
    with pytest.raises(Unfinished, match="more memory than the 67,108,864 bytes"):
        process.call(Call("tests.application.children.test_pool.fill_memory", ()))
    assert process.call(Call("builtins.len", ("abc",))).value == 3
    process.kill()


def test_rows_that_cannot_be_computed_arrive_with_their_shapes(process: WarmProcess) -> None:
    shapes: Shapes = (("x", (2, 13, 8)),)
    with pytest.raises(Uncomputable) as caught:
        process.call(Call("tests.application.prediction.test_process.refuse", (shapes,)))
    assert caught.value.shapes == shapes
    (fault,) = caught.value.explain("Node 'y' does not take them.").faults
    assert fault == Fault(pointer="/instances", detail="Not these. Node 'y' does not take them.")


def test_a_process_that_is_killed_during_a_call_is_replaced(
    process: WarmProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Busy, match="killed"):
        process.call(Call("signal.raise_signal", (int(signal.SIGKILL),)))
    assert "died (exit code -9)" in caplog.text
    assert process.call(Call("builtins.len", ("abc",))).value == 3


def begin(marker: Path) -> None:
    marker.touch()
    time.sleep(60)


def test_a_process_that_is_interrupted_did_not_die(
    process: WarmProcess, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    marker = tmp_path / "begun"
    with ThreadPoolExecutor(1) as threads:
        call = Call("tests.application.prediction.test_process.begin", (marker,))
        called = threads.submit(process.call, call)
        until(lambda: marker.exists() or None, "the call")
        process.interrupt()
        with pytest.raises(Busy, match="killed"):
            called.result()
    assert caplog.text == ""
    assert process.call(Call("builtins.len", ("abc",))).value == 3


def test_a_process_that_is_killed_between_calls_is_replaced(process: WarmProcess) -> None:
    first = get_pid(process)
    os.kill(first, signal.SIGKILL)
    with_new = Busy
    try:
        assert get_pid(process) != first
    except with_new:  # the kill arrived after the call was sent
        assert get_pid(process) != first
