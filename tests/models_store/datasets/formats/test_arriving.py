"""Members of an archive are read while it arrives; everything else is kept for its directory."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from models_store.datasets.columns.read import load_array
from models_store.datasets.formats.arrays import npz
from models_store.datasets.formats.arriving import ArrivingMember, LocalHeader, spool_rest
from models_store.datasets.formats.exact_stream import LARGE_BYTES, ExactStream

CONTENT = st.binary(max_size=300)


class Pieces(io.BytesIO):
    """A body that arrives in small pieces."""

    def read(self, most: int | None = -1) -> bytes:
        return super().read(min(most or 7, 7))


class Pipe(io.BytesIO):
    """A file that cannot go back, so that sizes follow the members."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def save(arrays: dict[str, Any], file: io.BytesIO) -> bytes:
    np.savez(file, **arrays)
    return file.getvalue()


@settings(max_examples=100)
@given(st.lists(st.tuples(CONTENT, st.booleans(), st.booleans()), max_size=6))
def test_members_are_taken_or_kept(tmp_path: Path, members: list[tuple[bytes, bool, bool]]) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for index, (content, wanted, deflated) in enumerate(members):
            name = f"{'wanted' if wanted else 'other'} {index}"
            archive.writestr(name, content, 8 if deflated else 0)
    found: dict[str, bytes] = {}

    def take(member: ArrivingMember) -> None:
        found[member.name] = member.read(len(members[len(found)][0]) + 10_000)

    def is_wanted(header: LocalHeader) -> bool:
        return header.name.startswith("wanted") and header.size > 0

    path = tmp_path / "rest"
    taken = spool_rest(Pieces(file.getvalue()), path, is_wanted, take)
    assert path.stat().st_size == len(file.getvalue())
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == zipfile.ZipFile(file).namelist()
        for entry in archive.infolist():
            content, _, _ = members[int(entry.filename.split()[1])]
            if entry.header_offset in taken:
                assert taken[entry.header_offset].matches(entry)
                assert found[entry.filename] == content
            else:
                assert archive.read(entry) == content


@pytest.mark.parametrize("make_file", [io.BytesIO, Pipe])
def test_arrays_are_read_whether_or_not_their_sizes_come_first(
    tmp_path: Path, make_file: Callable[[], io.BytesIO]
) -> None:
    arrays = {"a": np.arange(9.0), "b": np.arange(9) * 7, "c": np.ones((9, 40_000))}
    body = npz.read(io.BytesIO(save(arrays, make_file())), tmp_path, 1 << 30)
    assert [file.column.name for file in body.columns] == ["a", "b", "c"]
    for file in body.columns:
        assert np.array_equal(load_array(file.files["values"]), arrays[file.column.name])
    assert not (tmp_path / "body.zip").exists()


def test_an_archive_may_begin_with_other_bytes(tmp_path: Path) -> None:
    raw = b"#!/bin/sh\n" + save({"x": np.arange(5)}, io.BytesIO())
    (file,) = npz.read(io.BytesIO(raw), tmp_path, 1 << 30).columns
    assert load_array(file.files["values"]).tolist() == [0, 1, 2, 3, 4]


def test_a_member_that_the_directory_omits_is_no_column(tmp_path: Path) -> None:
    raw = save({"x": np.arange(5), "y": np.arange(5) * 2}, io.BytesIO())
    start = raw.index(b"PK\x01\x02")
    second = raw.index(b"PK\x01\x02", start + 4)
    end = raw.index(b"PK\x05\x06")
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, end - second, start, 0)
    forged = raw[:start] + raw[second:end] + tail
    (file,) = npz.read(io.BytesIO(forged), tmp_path, 1 << 30).columns
    assert file.column.name == "y"
    assert load_array(file.files["values"]).tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("place", [16, 20, 24])
def test_a_directory_that_contradicts_a_member_is_refused(tmp_path: Path, place: int) -> None:
    """The places are those of the CRC and of both sizes."""
    raw = bytearray(save({"x": np.arange(50)}, io.BytesIO()))
    raw[raw.index(b"PK\x01\x02") + place] ^= 1
    with pytest.raises(Invalid):
        npz.read(io.BytesIO(bytes(raw)), tmp_path, 1 << 30)


@given(st.binary(max_size=2000), st.lists(st.integers(0, 600), max_size=12))
def test_a_stream_returns_as_many_bytes_as_asked(raw: bytes, sizes: list[int]) -> None:
    stream, plain = ExactStream(Pieces(raw)), io.BytesIO(raw)
    for size in sizes:
        assert stream.read(size) == plain.read(size)
        assert stream.tell() == plain.tell()


def test_a_stream_reads_large_pieces() -> None:
    raw = np.random.default_rng(3).bytes(5 * LARGE_BYTES)
    stream, plain = ExactStream(io.BytesIO(raw)), io.BytesIO(raw)
    for size in (30, LARGE_BYTES + 1, 7, 2 * LARGE_BYTES, LARGE_BYTES, 3 * LARGE_BYTES):
        assert stream.read(size) == plain.read(size)
