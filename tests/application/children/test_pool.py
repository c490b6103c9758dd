"""Children that exceed their limits or die do not affect the service."""

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from application.children.pool import Bounds, Checker, Failed, Unfinished
from domain.errors import Busy, StorageFull
from tests.support.service import until

BOUNDS = Bounds(seconds=20, memory_bytes=2**30)


@pytest.fixture(scope="module")
def checker() -> Checker:
    made = Checker(at_once=1, wait_seconds=0.1)
    made.start()
    until(lambda: made.is_warm or None, "the checker")
    return made


def test_a_function_runs_in_another_process(checker: Checker) -> None:
    assert checker.run("os.getpid", bounds=BOUNDS) != os.getpid()
    assert checker.run("math.hypot", 3, 4, bounds=BOUNDS) == 5


def test_no_child_sees_a_gpu(checker: Checker) -> None:
    assert checker.run("os.getenv", "CUDA_VISIBLE_DEVICES", bounds=BOUNDS) == "-1"


def test_a_function_over_its_time_limit_is_ended(
    checker: Checker, caplog: pytest.LogCaptureFixture
) -> None:
    """The parent ends the child. A child that is left alone ends itself 5 seconds later."""
    started = time.monotonic()
    with pytest.raises(Unfinished, match=r"longer than 0\.3 seconds"):
        checker.run("time.sleep", 3600, bounds=Bounds(0.3, 2**30))
    assert time.monotonic() - started >= 0.3
    assert "died" not in caplog.text


def test_a_function_over_its_memory_limit_is_ended(checker: Checker) -> None:
    with pytest.raises(Unfinished, match="more memory than the 67,108,864 bytes"):
        checker.run("builtins.bytearray", 2**28, bounds=Bounds(20, 2**26))


def test_the_pool_works_after_the_death_of_a_child(checker: Checker) -> None:
    for _ in range(3):
        with pytest.raises(Unfinished):
            checker.run("os.abort", bounds=BOUNDS)
    assert checker.run("math.hypot", 3, 4, bounds=BOUNDS) == 5


def test_a_killed_child_is_a_busy_error(checker: Checker) -> None:
    with pytest.raises(Busy, match="was killed") as refusal:
        checker.run("signal.raise_signal", signal.SIGKILL, bounds=BOUNDS)
    assert refusal.value.retry_after > 0


def test_a_full_disk_is_a_storage_full_error(checker: Checker) -> None:
    with pytest.raises(StorageFull):
        checker.run("shutil.copyfile", __file__, "/dev/full", bounds=BOUNDS)


def test_an_error_of_the_function_is_a_failed_error(checker: Checker) -> None:
    with pytest.raises(Failed, match="ZeroDivisionError"):
        checker.run("operator.truediv", 1, 0, bounds=BOUNDS)


def raise_attribute_error(path: str) -> None:
    """Raise an error as a bug of our own code would, in a child that logs to a file."""
    logging.getLogger().addHandler(logging.FileHandler(path))
    raise AttributeError("'int' object has no attribute 'shape'")


def test_an_attribute_error_of_our_own_is_an_internal_error_and_is_logged(
    checker: Checker, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    function = f"{__name__}.{raise_attribute_error.__name__}"
    with pytest.raises(Failed, match="AttributeError"):
        checker.run(function, str(path), bounds=BOUNDS)
    log = path.read_text()
    assert f"{function} failed in a child" in log
    assert "AttributeError: 'int' object has no attribute 'shape'" in log


def test_a_library_that_does_not_fit_the_memory_is_over_its_limit(checker: Checker) -> None:
    spec = find_spec("obstore._obstore")
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).stat().st_size > 2**23
    with pytest.raises(Unfinished, match="MEMORY_BYTES"):
        checker.run("importlib.import_module", spec.name, bounds=Bounds(60, 2**23))


def import_missing_name() -> None:
    """Import what a shared library that is loaded does not have."""
    exec("from math import graphfit")


def test_another_error_of_an_import_is_a_failed_error(checker: Checker) -> None:
    with pytest.raises(Failed, match="ModuleNotFoundError"):
        checker.run("importlib.import_module", "graphfit_unknown", bounds=BOUNDS)
    with pytest.raises(Failed, match="ImportError"):
        checker.run(f"{__name__}.{import_missing_name.__name__}", bounds=BOUNDS)


def fill_memory() -> None:
    """Take all memory, and then never end."""
    kept: list[bytes] = []
    for size in (2**20, 2**14, 2**10):
        with suppress(MemoryError):
            while True:
                kept.append(bytes(size))
    signal.pause()


def test_a_function_that_stays_at_its_memory_limit_is_ended(checker: Checker) -> None:
    function = f"{__name__}.{fill_memory.__name__}"
    with pytest.raises(Unfinished, match="more memory than the 67,108,864 bytes"):
        checker.run(function, bounds=Bounds(120, 2**26))


def test_the_number_of_concurrent_children_is_limited(checker: Checker) -> None:
    def slow() -> None:
        with pytest.raises(Unfinished):
            checker.run("time.sleep", 30, bounds=Bounds(1.5, 2**30))

    thread = threading.Thread(target=slow)
    thread.start()
    time.sleep(0.3)
    with pytest.raises(Busy) as refusal:
        checker.run("os.getpid", bounds=BOUNDS)
    assert refusal.value.retry_after > 0
    thread.join()
    assert checker.run("os.getpid", bounds=BOUNDS)


def test_outcomes_are_counted() -> None:
    heard: list[tuple[str, str]] = []
    counted = Checker(1, 1, lambda function, outcome, seconds: heard.append((function, outcome)))
    counted.run("os.getpid", bounds=BOUNDS)
    with pytest.raises(Unfinished):
        counted.run("os.abort", bounds=BOUNDS)
    assert heard == [("os.getpid", "value"), ("os.abort", "died")]
