"""Runs as many slow tests as time allows, in a seeded order.

    pytest --slice-seconds=900 --slice-seed=<commit>

All quick tests run first. The slow tests follow in an order that the seed decides. None of them
starts later than `--slice-seconds` after the session; the others count as deselected.
"""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("slice", "a seeded slice of the slow tests")
    group.addoption(
        "--slice-seconds", type=float, help="start no slow test after this many seconds"
    )
    group.addoption("--slice-seed", default="0", help="draws the order of the slow tests")


def pytest_configure(config: pytest.Config) -> None:
    seconds: float | None = config.getoption("slice_seconds")
    if seconds is not None:
        config.pluginmanager.register(Slice(seconds, config.getoption("slice_seed")), "slice")


def is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


class Slice:
    """Orders the tests, and deselects slow ones after the time limit."""

    def __init__(self, seconds: float, seed: str) -> None:
        self.seconds = seconds
        self.seed = seed
        self.deadline = time.monotonic() + seconds
        self.slow = 0
        self.left_out = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Iterator[None]:
        yield  # after -m and -k have been applied
        slow = [item for item in items if is_slow(item)]
        random.Random(self.seed).shuffle(slow)
        items[:] = [item for item in items if not is_slow(item)] + slow
        self.slow = len(slow)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if not is_slow(item) or time.monotonic() < self.deadline:
            return None
        self.left_out += 1
        item.config.hook.pytest_deselected(items=[item])
        return True

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.write_line(
            f"slice: ran {self.slow - self.left_out} of {self.slow} slow tests"
            f" in {self.seconds:g} s (--slice-seed={self.seed})"
        )
