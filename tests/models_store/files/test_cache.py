"""Files kept on this machine: bounded, checked, shared by processes, whatever kills them."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain.errors import Busy, Damaged, StorageFull
from models_store.files.cache import Cache, Download
from tests.support.service import ROOT, until

MOST = 1000


def download(content: bytes, *, size: int | None = None, sha256: str | None = None) -> Download:
    given = hashlib.sha256(content).hexdigest() if sha256 is None else sha256
    return Download("a file", len(content) if size is None else size, given, iter([content]))


def never() -> Download:
    raise AssertionError("it was here already")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def keep(cache: Cache, name: str, content: bytes) -> None:
    with cache.fetch(name, lambda: download(content)):
        pass


def test_a_file_comes_once_and_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", MOST)
    keep(cache, "a", b"abc")
    with Cache(tmp_path / "cache", MOST).fetch("a", never) as path:
        assert path.read_bytes() == b"abc"
        assert path.stat().st_mode & 0o222 == 0
    keep(cache, "empty", b"")
    assert names(tmp_path / "cache") == {"a", "empty"}


@pytest.mark.parametrize(
    "broken",
    [download(b"abc", sha256="0" * 64), download(b"abc", size=4), download(b"abc", size=2)],
)
def test_what_is_damaged_on_its_way_is_not_kept(tmp_path: Path, broken: Download) -> None:
    with pytest.raises(Damaged, match="damaged"), Cache(tmp_path, MOST).fetch("a", lambda: broken):
        pass
    assert names(tmp_path) == set()


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"abc"
        raise Busy("the store went away")

    def broken() -> Download:
        return Download("a file", 6, None, blocks())

    with pytest.raises(Busy), Cache(tmp_path, MOST).fetch("a", broken):
        pass
    assert names(tmp_path) == set()
    keep(Cache(tmp_path, MOST), "a", b"abcdef")


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MOST)
    for at, name in enumerate("abc"):
        keep(cache, name, name.encode() * 300)
        os.utime(tmp_path / name, (at, at))
    with cache.fetch("a", never):
        pass  # used just now
    keep(cache, "d", b"d" * 300)
    assert names(tmp_path) == {"a", "c", "d"}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= MOST


def test_what_is_held_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MOST)
    with cache.fetch("a", lambda: download(b"a" * 600)) as path:
        with (
            pytest.raises(StorageFull, match=r"beside 600 bytes in use.*CACHE_BYTES"),
            cache.fetch("b", lambda: download(b"b" * 600)),
        ):
            pass
        keep(cache, "c", b"c" * 300)
        keep(cache, "d", b"d" * 300)
        assert names(tmp_path) == {"a", "d"}
        assert path.read_bytes() == b"a" * 600
    keep(cache, "b", b"b" * 600)
    assert names(tmp_path) == {"b", "d"}


def test_a_file_larger_than_the_whole_bound_is_refused(tmp_path: Path) -> None:
    large = download(b"x" * (MOST + 1))
    with (
        pytest.raises(StorageFull, match=r"has 1001 bytes: more than.* 1000 \(CACHE_BYTES\)"),
        Cache(tmp_path, MOST).fetch("a", lambda: large),
    ):
        pass
    assert names(tmp_path) == set()


HOLDER = """
import sys
from pathlib import Path
from models_store.files.cache import Cache, Download
def blocks():
    yield b"a" * 300
    print("coming", flush=True)
    if sys.argv[2] == "half":
        sys.stdin.read()
    yield b"a" * 300
with Cache(Path(sys.argv[1]), 1000).fetch("a", lambda: Download("a", 600, None, blocks())):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path, how_far: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), how_far],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while process.stdout.readline() != {"half": "coming\n", "whole": "held\n"}[how_far]:
        pass
    return process


def test_what_another_process_holds_stays_until_that_is_killed(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MOST)
    with holder(tmp_path, "whole") as process:
        with (
            pytest.raises(Busy, match="in use"),
            cache.fetch("b", lambda: download(b"b" * 600)),
        ):
            pass
        assert names(tmp_path) == {"a"}
        process.kill()
    keep(cache, "b", b"b" * 600)
    assert names(tmp_path) == {"b"}


def test_what_a_process_killed_in_mid_download_left_is_swept(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MOST)
    with holder(tmp_path, "half") as process:
        with pytest.raises(Busy), cache.fetch("b", lambda: download(b"b" * 600)):
            pass  # its whole size counts already
        process.kill()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith("partial")
    keep(cache, "b", b"b" * 300)
    assert left.exists()  # it may be about to be held
    os.utime(left, (time.time() - 100,) * 2)
    keep(cache, "c", b"c" * 300)
    assert names(tmp_path) == {"b", "c"}


def test_another_process_may_fetch_the_same(tmp_path: Path) -> None:
    """One that is stopped in mid-download holds up nobody; each keeps what it holds."""
    cache = Cache(tmp_path, 2 * MOST)
    with ExitStack() as held, holder(tmp_path, "half") as process:
        path = held.enter_context(cache.fetch("a", lambda: download(b"a" * 600)))
        before = path.stat().st_ino
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        assert process.stdout.readline() == "held\n"
        assert path.stat().st_ino == before
        assert names(tmp_path) == {"a"}


def test_threads_that_want_one_file_fetch_it_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MOST)
    go, fetched, got = threading.Event(), [], []

    def slow() -> Download:
        fetched.append(1)
        go.wait(30)
        return download(b"abc")

    def want() -> None:
        with cache.fetch("a", slow) as path:
            got.append(path.read_bytes())

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: fetched or None, "the first")
    go.set()
    for thread in threads:
        thread.join()
    assert got == [b"abc"] * 8
    assert fetched == [1]
