"""Ingestion publishes all columns of a body, or none."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.dataset import Dataset
from domain.errors import Invalid, NotFound, TooLarge
from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from models_store.datasets.columns.npy import map_array
from models_store.datasets.formats.registry import FORMATS
from models_store.datasets.ingest import discard, ingest
from models_store.datasets.rows import read_rows
from models_store.datasets.staging import read_dataset
from models_store.files.store import ArtifactStore
from models_store.ids import new_id
from models_store.records.datasets import column_key
from tests.support.dataset_bodies import (
    BODIES,
    IMAGES,
    NPY,
    encode_npz,
    make_faulty,
    make_sample,
)

LIMIT = 1 << 30


def load_column(store: ArtifactStore, dataset: Dataset, index: int) -> Any:
    kept = dataset.columns[index].parts["values"]
    with store.fetch(column_key(dataset.id, index, "values", kept.place), kept.sha256) as path:
        return map_array(path, kept.place.offset if kept.place else 0)


def ingest_body(
    store: ArtifactStore,
    media_type: str,
    raw: bytes,
    name: str | None = None,
    options: ReadOptions = DEFAULT_OPTIONS,
) -> Dataset:
    body = io.BytesIO(raw)
    return ingest(store, new_id("dataset"), media_type, body, LIMIT, name, options)


def read_all(store: ArtifactStore, dataset: Dataset) -> dict[str, list[Any]]:
    """Reads all rows, page by page."""
    found: dict[str, list[Any]] = {column.name: [] for column in dataset.columns}
    start = 0
    while start < dataset.rows:
        page = read_rows(store, dataset, start, dataset.rows)
        for name, values in page.columns.items():
            found[name] += values
        start += page.count
    return found


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_dataset_is_published_and_read(store: ArtifactStore, media_type: str) -> None:
    sample = make_sample(media_type, 50)
    options = ReadOptions(**sample.options)
    dataset = ingest_body(store, media_type, sample.raw, "named", options)
    read = read_all(store, dataset)
    assert sorted(read) == sorted(sample.columns)
    for column in dataset.columns:
        expected = np.asarray(sample.columns[column.name])
        assert read[column.name] == expected.tolist()
        dtype = "string" if expected.dtype.kind == "U" else expected.dtype.name
        assert (column.dtype, column.shape) == (dtype, list(expected.shape[1:]))
    assert (dataset.name, dataset.rows) == ("named", 50)
    assert dataset.sha256 == hashlib.sha256(sample.raw).hexdigest()


@pytest.mark.parametrize("media_type", FORMATS)
def test_numbers_are_published_as_arrays(store: ArtifactStore, media_type: str) -> None:
    sample = make_sample(media_type, 50)
    dataset = ingest_body(store, media_type, sample.raw, options=ReadOptions(**sample.options))
    numbers = [i for i, column in enumerate(dataset.columns) if column.dtype != "string"]
    for index in numbers:
        loaded = load_column(store, dataset, index)
        assert np.array_equal(loaded, sample.columns[dataset.columns[index].name])
        assert not loaded.flags.writeable
    assert numbers
    if len(numbers) == len(dataset.columns):
        assert dataset.bytes == sum(array.nbytes for array in sample.columns.values())


class Pieces(io.BytesIO):
    """A body that a network cuts into pieces."""

    def __init__(self, raw: bytes, piece: int) -> None:
        super().__init__(raw)
        self._piece = piece

    def read(self, most: int | None = -1) -> bytes:
        return super().read(min(most or self._piece, self._piece))


@pytest.mark.parametrize("media_type", FORMATS)
def test_statistics_do_not_depend_on_the_pieces_of_a_body(tmp_path: Path, media_type: str) -> None:
    sample = make_sample(media_type, 200 if media_type == IMAGES else 6000)
    options = ReadOptions(**sample.options)
    described = []
    for piece in (len(sample.raw), 9973):
        (folder := tmp_path / str(piece)).mkdir()
        body = Pieces(sample.raw, piece)
        staged = read_dataset(folder, new_id("dataset"), media_type, body, LIMIT, None, options)
        described.append(staged.record.columns)
    assert described[0] == described[1]


def test_the_name_in_the_body_takes_precedence(store: ArtifactStore) -> None:
    raw = b'{"name": "inside", "columns": {"x": [1]}}'
    assert ingest_body(store, "application/json", raw, "outside").name == "inside"


def list_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_bad_body_leaves_no_files(store: ArtifactStore, tmp_path: Path, media_type: str) -> None:
    with pytest.raises(Invalid):
        ingest_body(store, media_type, make_faulty(media_type))
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
        store, "application/x-npz", encode_npz(x=np.zeros((20, 30_000), np.uint8))
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


def make_large(media_type: str) -> bytes:
    """Makes a body whose columns have more than 400,000 bytes."""
    if media_type in BODIES:
        return BODIES[media_type](small=np.zeros(60_000, np.uint8), x=np.zeros(60_000))
    return make_sample(media_type, 5000 if media_type == NPY else 200).raw


@pytest.mark.slow
@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("room", [100, 20_000, 400_000])
def test_a_full_disk_leaves_no_files(tmp_path: Path, media_type: str, room: int) -> None:
    body, folder = tmp_path / "body", tmp_path / "store"
    body.write_bytes(make_large(media_type))
    command = [sys.executable, "-c", FULL, str(folder), media_type, str(body), str(room)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "no room left" in process.stdout, process.stderr
    assert list_files(folder) == []
    assert list((folder / "scratch").iterdir()) == []
