"""Small arrays of a dataset share files; datasets with a file for each array are read as well."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from domain.dataset import Column, ColumnPart, Dataset
from domain.job.plan import PinnedColumn
from models_store.datasets.columns.file import ALIGNMENT, COLUMNS_OF_FILE, SMALL_BYTES
from models_store.datasets.columns.npy import HEADER_BYTES
from models_store.datasets.columns.read import load_array
from models_store.datasets.ingest import ingest, stage
from models_store.datasets.rows import read_rows
from models_store.files.key import NewFile
from models_store.files.local import LocalArtifacts
from models_store.files.store import ArtifactStore
from models_store.ids import new_id
from models_store.maintenance.references import _get_columns
from models_store.records.datasets import column_key, folder_of

NPZ = "application/x-npz"
LIMIT = 1 << 30
LARGE = SMALL_BYTES // 8 + 1
"""Numbers of an array that has a file of its own."""


def encode(arrays: dict[str, Any]) -> io.BytesIO:
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    return file


def make_arrays(count: int, rows: int = 3) -> dict[str, Any]:
    random = np.random.default_rng(15)
    dtypes = ["float32", "uint8", "int64", "bool"]
    return {f"c{i}": random.integers(0, 2, rows).astype(dtypes[i % 4]) for i in range(count)}


def list_names(store: ArtifactStore) -> list[str]:
    return sorted(file.key.rpartition("/")[2] for file in store.files("datasets"))


def test_small_arrays_share_files(store: ArtifactStore) -> None:
    arrays = make_arrays(2 * COLUMNS_OF_FILE + 1)
    dataset = ingest(store, new_id("dataset"), NPZ, encode(arrays), LIMIT)
    assert list_names(store) == [f"{2 * COLUMNS_OF_FILE}.npy", "shared-0.bin", "shared-1.bin"]
    found = read_rows(store, dataset, 0, 3).columns
    assert found == {name: array.tolist() for name, array in arrays.items()}
    for column in dataset.columns[:-1]:
        place = column.parts["values"].place
        assert place is not None
        assert place.offset % ALIGNMENT == 0
    assert dataset.columns[-1].parts["values"].place is None


def test_a_large_array_has_a_file_of_its_own(store: ArtifactStore) -> None:
    arrays = make_arrays(3, LARGE)
    arrays["c0"] = np.random.default_rng(1).random(LARGE)
    dataset = ingest(store, new_id("dataset"), NPZ, encode(arrays), LIMIT)
    assert "0.npy" in list_names(store)
    part = dataset.columns[0].parts["values"]
    with store.fetch(column_key(dataset.id, 0), part.sha256) as path:
        assert np.array_equal(np.load(path), arrays["c0"])


def test_every_file_has_the_hash_of_its_row(store: ArtifactStore) -> None:
    arrays = {**make_arrays(5, LARGE), "big": np.random.default_rng(1).random((LARGE, 2))}
    text = [f"text {i}" for i in range(LARGE)]
    body = "a,b\n" + "".join(f"{i},{value}\n" for i, value in enumerate(text))
    for media_type, source in ((NPZ, encode(arrays)), ("text/csv", io.BytesIO(body.encode()))):
        dataset = ingest(store, new_id("dataset"), media_type, source, LIMIT)
        references = {file.key: file for file in _get_columns(dataset)}
        kept = {file.key for file in store.files("datasets") if dataset.id in file.key}
        assert references.keys() == kept
        for key, file in references.items():
            digest = store.digest(key)
            assert digest.sha256 == file.sha256
            assert file.bytes in (None, digest.bytes)


def test_arrays_of_a_staged_dataset_are_read_from_its_folder(tmp_path: Path) -> None:
    arrays = make_arrays(4)
    store = LocalArtifacts(tmp_path)
    with stage(store, new_id("dataset"), NPZ, encode(arrays), LIMIT) as staged:
        for column, files in zip(staged.record.columns, staged.arrays, strict=True):
            assert np.array_equal(load_array(files["values"]), arrays[column.name])
            size = column.parts["values"].bytes
            assert size == arrays[column.name].nbytes + HEADER_BYTES


def test_a_dataset_of_an_older_release_is_read(store: ArtifactStore) -> None:
    """Each of its arrays has a file, and its row knows no places."""
    arrays = make_arrays(3)
    made = ingest(store, new_id("dataset"), NPZ, encode(arrays), LIMIT)
    old = new_id("dataset")
    columns = []
    with store.scratch(old) as folder:
        for index, column in enumerate(made.columns):
            path = folder / f"{index}.npy"
            header = np.lib.format.magic(1, 0)
            text = repr(
                {"descr": arrays[column.name].dtype.str, "fortran_order": False, "shape": (3,)}
            ).encode()
            room = HEADER_BYTES - 10
            padded = text.ljust(room - 1) + b"\n"
            path.write_bytes(
                header + room.to_bytes(2, "little") + padded + arrays[column.name].tobytes()
            )
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            part = {"sha256": sha256, "bytes": path.stat().st_size}
            store.publish_all([NewFile(path, f"{folder_of(old)}/{index}.npy", sha256)])
            dumped = {**column.model_dump(), "sha256": sha256, "parts": {"values": part}}
            columns.append(Column.model_validate(dumped))
    dataset = made.model_copy(update={"id": old, "columns": columns})
    assert isinstance(dataset, Dataset)
    found = read_rows(store, dataset, 0, 3).columns
    assert found == {name: array.tolist() for name, array in arrays.items()}


def test_a_plan_of_an_older_release_has_no_places() -> None:
    pinned = PinnedColumn.model_validate(
        {"dtype": "int64", "shape": [], "parts": {"values": "a" * 64}}
    )
    assert pinned.places == {}
    assert ColumnPart.model_validate({"sha256": "a" * 64, "bytes": 3}).place is None
