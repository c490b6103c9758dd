"""A stream becomes files of a bounded size, and such files become a stream again."""

import hashlib
import io
from pathlib import Path

import pytest

from domain.errors import TooLarge
from models_store.uploads.part_files import JoinedFiles, PartFile, write_parts

DATA = bytes(range(256)) * 10


class Broken(Exception):
    pass


class BrokenStream(io.BytesIO):
    """A stream that fails at its end."""

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        if not block:
            raise Broken
        return block


def written(source: io.BytesIO, folder: Path, most: int = 10_000) -> list[PartFile]:
    return list(write_parts(source, folder, start=100, most=most, part_bytes=1_000))


@pytest.mark.parametrize("size", [0, 1, 999, 1_000, 1_001, 2_000, 2_560])
def test_the_parts_follow_each_other(tmp_path: Path, size: int) -> None:
    parts = written(io.BytesIO(DATA[:size]), tmp_path)
    assert [part.start for part in parts] == list(range(100, 100 + size, 1_000))
    assert [part.end for part in parts[:-1]] == [part.start for part in parts[1:]]
    for part in parts:
        content = DATA[part.start - 100 : part.end - 100]
        assert part.path.read_bytes() == content
        assert part.sha256 == hashlib.sha256(content).hexdigest()
    counts: list[int] = []
    joined = JoinedFiles([part.path for part in parts], counts.append)
    blocks = list(iter(lambda: joined.read(700), b""))
    assert b"".join(blocks) == DATA[:size]
    assert {len(block) for block in blocks[:-1]} <= {700}
    assert counts == [sum(map(len, blocks[: number + 1])) for number in range(len(blocks))]


@pytest.mark.parametrize("size", [0, 1_500, 2_000])
def test_a_broken_stream_gives_what_it_had(tmp_path: Path, size: int) -> None:
    parts = write_parts(BrokenStream(DATA[:size]), tmp_path, 0, 10_000, 1_000)
    read: list[bytes] = []
    with pytest.raises(Broken):
        read.extend(part.path.read_bytes() for part in parts)
    assert b"".join(read) == DATA[:size]


def test_more_bytes_than_allowed_are_refused(tmp_path: Path) -> None:
    assert len(written(io.BytesIO(DATA), tmp_path, most=100 + len(DATA))) == 3
    with pytest.raises(TooLarge):
        written(io.BytesIO(DATA), tmp_path, most=99 + len(DATA))
