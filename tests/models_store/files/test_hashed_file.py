"""A file that is written in threads has all blocks in their order, or reports its fault."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from models_store.files import hashed_file
from models_store.files.hashed_file import HashedFile


def test_blocks_are_written_in_order_and_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashed_file, "SYNC_BYTES", 1000)
    random = np.random.default_rng(7)
    blocks = [random.bytes(size) for size in (1, 70_000, 0, 3, 200_000, 1_000_000)]
    file = HashedFile(tmp_path / "file")
    for block in blocks:
        file.write(block)
    whole = b"".join(blocks)
    assert file.finish() == hashlib.sha256(whole).hexdigest()
    assert (tmp_path / "file").read_bytes() == whole


def test_a_file_may_be_read_before_its_end(tmp_path: Path) -> None:
    file = HashedFile(tmp_path / "file")
    for block in (b"a", b"bc" * 70_000, b"d"):
        file.write(block)
    file.flush()
    assert (tmp_path / "file").read_bytes() == b"a" + b"bc" * 70_000 + b"d"
    file.write(b"e")
    assert file.finish() == hashlib.sha256(b"a" + b"bc" * 70_000 + b"de").hexdigest()


def test_the_fault_of_a_block_is_raised() -> None:
    file = HashedFile(Path("/dev/full"))
    file.write(bytes(1 << 20))
    with pytest.raises(OSError, match="No space left"):
        file.finish()
