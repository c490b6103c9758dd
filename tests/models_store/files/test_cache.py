"""The cache of files: bounded, checked, and shared by processes that may be killed."""

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

MAX_BYTES = 1000


def download(content: bytes, *, size: int | None = None, sha256: str | None = None) -> Download:
    given = hashlib.sha256(content).hexdigest() if sha256 is None else sha256
    return Download("a file", len(content) if size is None else size, given, iter([content]))


def refuse_download() -> Download:
    raise AssertionError("the file is in the cache")


def list_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def fetch_file(cache: Cache, name: str, content: bytes) -> None:
    with cache.fetch(name, lambda: download(content)):
        pass


def test_a_file_is_downloaded_once_and_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", MAX_BYTES)
    fetch_file(cache, "a", b"abc")
    with Cache(tmp_path / "cache", MAX_BYTES).fetch("a", refuse_download) as path:
        assert path.read_bytes() == b"abc"
        assert path.stat().st_mode & 0o222 == 0
    fetch_file(cache, "empty", b"")
    assert list_names(tmp_path / "cache") == {"a", "empty"}


@pytest.mark.parametrize(
    "broken",
    [download(b"abc", sha256="0" * 64), download(b"abc", size=4), download(b"abc", size=2)],
)
def test_a_damaged_download_is_not_stored(tmp_path: Path, broken: Download) -> None:
    with (
        pytest.raises(Damaged, match="damaged"),
        Cache(tmp_path, MAX_BYTES).fetch("a", lambda: broken),
    ):
        pass
    assert list_names(tmp_path) == set()


def test_an_interrupted_download_leaves_no_files(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"abc"
        raise Busy("the store went away")

    def broken() -> Download:
        return Download("a file", 6, None, blocks())

    with pytest.raises(Busy), Cache(tmp_path, MAX_BYTES).fetch("a", broken):
        pass
    assert list_names(tmp_path) == set()
    fetch_file(Cache(tmp_path, MAX_BYTES), "a", b"abcdef")


def test_the_least_recently_used_file_is_deleted_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MAX_BYTES)
    for at, name in enumerate("abc"):
        fetch_file(cache, name, name.encode() * 300)
        os.utime(tmp_path / name, (at, at))
    with cache.fetch("a", refuse_download):
        pass  # used just now
    fetch_file(cache, "d", b"d" * 300)
    assert list_names(tmp_path) == {"a", "c", "d"}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= MAX_BYTES


def test_a_file_in_use_is_not_deleted(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MAX_BYTES)
    with cache.fetch("a", lambda: download(b"a" * 600)) as path:
        with (
            pytest.raises(StorageFull, match=r"beside 600 bytes in use.*CACHE_BYTES"),
            cache.fetch("b", lambda: download(b"b" * 600)),
        ):
            pass
        fetch_file(cache, "c", b"c" * 300)
        fetch_file(cache, "d", b"d" * 300)
        assert list_names(tmp_path) == {"a", "d"}
        assert path.read_bytes() == b"a" * 600
    fetch_file(cache, "b", b"b" * 600)
    assert list_names(tmp_path) == {"b", "d"}


def test_a_file_larger_than_the_cache_is_refused(tmp_path: Path) -> None:
    large = download(b"x" * (MAX_BYTES + 1))
    with (
        pytest.raises(StorageFull, match=r"has 1001 bytes: more than.* 1000 \(CACHE_BYTES\)"),
        Cache(tmp_path, MAX_BYTES).fetch("a", lambda: large),
    ):
        pass
    assert list_names(tmp_path) == set()


HOLDER = """
import sys
from pathlib import Path
from models_store.files.cache import Cache, Download
def blocks():
    yield b"a" * 300
    print("started", flush=True)
    if sys.argv[2] == "half":
        sys.stdin.read()
    yield b"a" * 300
with Cache(Path(sys.argv[1]), 1000).fetch("a", lambda: Download("a", 600, None, blocks())):
    print("ready", flush=True)
    sys.stdin.read()
"""


def start_holder(folder: Path, stage: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), stage],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while process.stdout.readline() != {"half": "started\n", "whole": "ready\n"}[stage]:
        pass
    return process


def test_a_file_in_use_by_another_process_stays_until_the_process_is_killed(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MAX_BYTES)
    with start_holder(tmp_path, "whole") as process:
        with (
            pytest.raises(Busy, match="in use"),
            cache.fetch("b", lambda: download(b"b" * 600)),
        ):
            pass
        assert list_names(tmp_path) == {"a"}
        process.kill()
    fetch_file(cache, "b", b"b" * 600)
    assert list_names(tmp_path) == {"b"}


def test_a_partial_file_of_a_killed_process_is_deleted(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MAX_BYTES)
    with start_holder(tmp_path, "half") as process:
        with pytest.raises(Busy), cache.fetch("b", lambda: download(b"b" * 600)):
            pass  # the whole size of the download counts
        process.kill()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith("partial")
    fetch_file(cache, "b", b"b" * 300)
    assert left.exists()  # it may belong to a running download
    os.utime(left, (time.time() - 100,) * 2)
    fetch_file(cache, "c", b"c" * 300)
    assert list_names(tmp_path) == {"b", "c"}


def test_two_processes_may_fetch_the_same_file(tmp_path: Path) -> None:
    """A process that stops during a download blocks no other; each file in use stays."""
    cache = Cache(tmp_path, 2 * MAX_BYTES)
    with ExitStack() as stack, start_holder(tmp_path, "half") as process:
        path = stack.enter_context(cache.fetch("a", lambda: download(b"a" * 600)))
        before = path.stat().st_ino
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        assert process.stdout.readline() == "ready\n"
        assert path.stat().st_ino == before
        assert list_names(tmp_path) == {"a"}


def test_concurrent_threads_download_a_file_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MAX_BYTES)
    go, fetched, contents = threading.Event(), [], []

    def slow() -> Download:
        fetched.append(1)
        go.wait(30)
        return download(b"abc")

    def fetch() -> None:
        with cache.fetch("a", slow) as path:
            contents.append(path.read_bytes())

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: fetched or None, "the first")
    go.set()
    for thread in threads:
        thread.join()
    assert contents == [b"abc"] * 8
    assert fetched == [1]
