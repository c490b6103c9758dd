"""Ingestion publishes all columns of a body, or none."""

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.dataset import Dataset
from domain.errors import Invalid, NotFound, TooLarge
from models_store.datasets.formats.registry import FORMATS
from models_store.datasets.ingest import discard, ingest
from models_store.datasets.rows import read_rows
from models_store.files.store import ArtifactStore
from models_store.ids import new_id
from models_store.records.datasets import column_key

LIMIT = 1 << 30


def load_column(store: ArtifactStore, dataset: Dataset, index: int) -> Any:
    with store.fetch(column_key(dataset.id, index), dataset.columns[index].sha256) as path:
        return np.load(path, mmap_mode="r")


def encode_json(**columns: Any) -> bytes:
    return json.dumps({"columns": {n: c.tolist() for n, c in columns.items()}}).encode()


def encode_npz(**columns: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **columns)
    return file.getvalue()


BODIES = {"application/json": encode_json, "application/x-npz": encode_npz}


def ingest_body(store: ArtifactStore, media_type: str, raw: bytes, **options: Any) -> Dataset:
    return ingest(store, new_id("dataset"), media_type, io.BytesIO(raw), LIMIT, **options)


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_dataset_is_published_and_read(store: ArtifactStore, media_type: str) -> None:
    x, y = np.random.default_rng(1).random((50, 4, 3)), np.arange(50) % 7
    raw = BODIES[media_type](x=x, y=y)
    dataset = ingest_body(store, media_type, raw, name="named")
    assert np.array_equal(load_column(store, dataset, 0), x)
    assert np.array_equal(load_column(store, dataset, 1), y)
    assert (dataset.name, dataset.rows, dataset.bytes) == ("named", 50, x.nbytes + y.nbytes)
    assert dataset.sha256 == hashlib.sha256(raw).hexdigest()
    assert [(c.name, c.dtype, c.shape) for c in dataset.columns] == [
        ("x", "float64", [4, 3]),
        ("y", "int64", []),
    ]
    assert not load_column(store, dataset, 0).flags.writeable


def test_the_name_in_the_body_takes_precedence(store: ArtifactStore) -> None:
    raw = b'{"name": "inside", "columns": {"x": [1]}}'
    assert ingest_body(store, "application/json", raw, name="outside").name == "inside"


def list_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_bad_body_leaves_no_files(store: ArtifactStore, tmp_path: Path, media_type: str) -> None:
    with pytest.raises(Invalid):
        ingest_body(store, media_type, BODIES[media_type](x=np.zeros(3), y=np.zeros(2)))
    assert list_files(tmp_path) == []
    assert list(store.files("datasets")) == []


def test_compressed_arrays_over_the_limit_are_refused(store: ArtifactStore, tmp_path: Path) -> None:
    raw = encode_npz(x=np.zeros(1000))
    with pytest.raises(TooLarge):
        ingest(store, new_id("dataset"), "application/x-npz", io.BytesIO(raw), 8000)
    assert list_files(tmp_path) == []
    assert list(store.files("datasets")) == []


def test_a_range_of_rows_is_read(store: ArtifactStore) -> None:
    x, y = np.arange(12.0).reshape(6, 2), np.array([1, 0, 1, 0, 1, 0], bool)
    x[3, 1] = np.nan
    dataset = ingest_body(store, "application/x-npz", encode_npz(x=x, y=y))
    part = read_rows(store, dataset, 2, 2)
    assert (part.start, part.count) == (2, 2)
    assert part.columns["x"][0] == [4.0, 5.0]
    assert np.isnan(part.columns["x"][1][1])
    assert part.columns["y"] == [True, False]
    assert read_rows(store, dataset, 5, 100).columns["y"] == [False]
    assert read_rows(store, dataset, 100, 3).count == 0
    discard(store, dataset.id)
    with pytest.raises(NotFound):
        read_rows(store, dataset, 0, 1)


def test_one_read_is_limited_by_its_values(store: ArtifactStore) -> None:
    dataset = ingest_body(
        store, "application/x-npz", encode_npz(x=np.zeros((20, 300_000), np.uint8))
    )
    assert read_rows(store, dataset, 0, 20).count == 3


FULL = """
import io, resource, sys
from pathlib import Path
from domain.errors import StorageFull
from models_store.files.local import LocalArtifacts
from models_store.ids import new_id
from models_store.datasets.ingest import ingest
store = LocalArtifacts(Path(sys.argv[1]))
body = Path(sys.argv[3]).read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
try:
    ingest(store, new_id("dataset"), sys.argv[2], io.BytesIO(body), 1 << 30)
except StorageFull as full:
    print(full.detail)
"""


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("room", [100, 20_000, 400_000])
def test_a_full_disk_leaves_no_files(tmp_path: Path, media_type: str, room: int) -> None:
    body, folder = tmp_path / "body", tmp_path / "store"
    body.write_bytes(BODIES[media_type](small=np.zeros(60_000, np.uint8), x=np.zeros(60_000)))
    command = [sys.executable, "-c", FULL, str(folder), media_type, str(body), str(room)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "no room left" in process.stdout, process.stderr
    assert list_files(folder) == []
    assert list((folder / "scratch").iterdir()) == []
