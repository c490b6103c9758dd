"""A dataset in each format is what the format's own library reads back."""

import csv
import io
import json
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ml_dtypes import bfloat16
from safetensors import safe_open
from safetensors.numpy import load

from domain.dataset import Dataset
from domain.errors import Invalid
from models_store.datasets.formats.arrays import npz
from models_store.datasets.ingest import ingest
from models_store.datasets.output import blocks
from models_store.datasets.output.registry import OutputName, write_dataset
from models_store.datasets.rows import read_rows
from models_store.files.store import ArtifactStore
from models_store.ids import new_id

ROWS = 250
RANDOM = np.random.default_rng(5)
TEXTS = ['a "quoted" text', "", "é\nü", "comma, semicolon;", None]
MIXED: dict[str, Any] = {
    "whole": [None if i % 7 == 0 else i - 9 for i in range(ROWS)],
    "large": [2**63 + i for i in range(ROWS)],
    "half": [None if i % 5 == 0 else i / 8 for i in range(ROWS)],
    "flag": [None if i % 3 == 0 else i % 2 == 0 for i in range(ROWS)],
    "town": [TEXTS[i % 5] for i in range(ROWS)],
    "pair": [[i, None] for i in range(ROWS)],
    "cube": RANDOM.integers(0, 99, (ROWS, 2, 3)).tolist(),
    "bag": [[[i, j] for j in range(i % 4)] for i in range(ROWS)],
}
DTYPES = {"large": "uint64", "half": "float32"}
NUMBERS = {
    name: RANDOM.integers(0, 2, (ROWS, *shape)).astype(name)
    for name, shape in {
        "float16": (), "float32": (3,), "float64": (2, 2), "bool": (), "int8": (3,),
        "uint64": (), "int32": (), "uint8": (4, 4, 1),
    }.items()
}  # fmt: skip


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_ROWS", 77)


def store_json(store: ArtifactStore, columns: dict[str, Any], **fields: Any) -> Dataset:
    raw = json.dumps({**fields, "columns": columns}).encode()
    source = io.BytesIO(raw)
    return ingest(store, new_id("dataset"), "application/json", source, 1 << 30)


def store_mixed(store: ArtifactStore, *left_out: str) -> Dataset:
    columns = {name: values for name, values in MIXED.items() if name not in left_out}
    dtypes = {name: dtype for name, dtype in DTYPES.items() if name in columns}
    shapes = {"bag": [None, 2]} if "bag" in columns else {}
    return store_json(store, columns, dtypes=dtypes, shapes=shapes)


def store_numbers(store: ArtifactStore) -> Dataset:
    file = io.BytesIO()
    np.savez(file, **NUMBERS)  # type: ignore[arg-type]
    file.seek(0)
    return ingest(store, new_id("dataset"), npz.FORMAT.media_type, file, 1 << 30)


def write(store: ArtifactStore, dataset: Dataset, name: OutputName) -> bytes:
    return b"".join(write_dataset(store, dataset, name))


def test_ndjson_has_every_value(store: ArtifactStore) -> None:
    rows = [json.loads(line) for line in write(store, store_mixed(store), "ndjson").splitlines()]
    assert rows == [{name: values[i] for name, values in MIXED.items()} for i in range(ROWS)]


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_tables_have_every_value(store: ArtifactStore, name: OutputName) -> None:
    raw = write(store, store_mixed(store), name)
    table = (
        pq.read_table(io.BytesIO(raw)) if name == "parquet" else pa.ipc.open_stream(raw).read_all()
    )
    assert table.to_pydict() == MIXED
    assert table.schema.field("half").type == pa.float32()
    assert table.schema.field("large").type == pa.uint64()
    assert table.schema.field("cube").type == pa.list_(pa.list_(pa.int64(), 3), 2)


def test_csv_has_every_value(store: ArtifactStore) -> None:
    raw = write(store, store_mixed(store, "bag"), "csv").decode()
    lines = list(csv.DictReader(io.StringIO(raw, newline="")))
    assert len(lines) == ROWS
    assert list(lines[0])[:6] == ["whole", "large", "half", "flag", "town", "pair_0"]

    def text(value: Any) -> str:
        return "" if value is None else str(value).lower()

    for i, line in enumerate(lines):
        assert line["whole"] == text(MIXED["whole"][i])
        assert line["large"] == text(MIXED["large"][i])
        assert line["flag"] == text(MIXED["flag"][i])
        assert line["town"] == (MIXED["town"][i] or "")
        assert (line["pair_0"], line["pair_1"]) == (str(i), "")
        assert [int(line[f"cube_{k}"]) for k in range(6)] == np.ravel(MIXED["cube"][i]).tolist()
        assert float(line["half"] or "nan") == pytest.approx(
            np.nan if MIXED["half"][i] is None else MIXED["half"][i], nan_ok=True
        )


@pytest.mark.parametrize(
    "values", [[1, None, 2**53 + 1], ["a", None, "b"], [None, True, None], [0.1, None, -0.5]]
)
def test_a_csv_of_one_column_keeps_the_rows_of_missing_values(
    store: ArtifactStore, values: list[Any]
) -> None:
    dataset = store_json(store, {"x": values})
    raw = write(store, dataset, "csv")
    cells = [row["x"] for row in csv.DictReader(io.StringIO(raw.decode(), newline=""))]
    assert [cell == "" for cell in cells] == [value is None for value in values]
    again = ingest(store, new_id("dataset"), "text/csv", io.BytesIO(raw), 1 << 30)
    assert again.columns[0].dtype == dataset.columns[0].dtype
    assert read_rows(store, again, 0, 9).columns == {"x": values}


def test_arrays_come_back_equal(store: ArtifactStore) -> None:
    dataset = store_numbers(store)
    with np.load(io.BytesIO(write(store, dataset, "npz"))) as archive:
        found = {"npz": dict(archive), "safetensors": load(write(store, dataset, "safetensors"))}
    for arrays in found.values():
        assert arrays.keys() == NUMBERS.keys()
        for name, array in NUMBERS.items():
            assert arrays[name].dtype == array.dtype
            assert np.array_equal(arrays[name], array)


@pytest.mark.parametrize("name", ["npz", "safetensors"])
def test_the_service_reads_its_own_arrays(store: ArtifactStore, name: OutputName) -> None:
    dataset = store_numbers(store)
    source = io.BytesIO(write(store, dataset, name))
    media_type = {"npz": "application/x-npz", "safetensors": "application/vnd.safetensors"}[name]
    again = ingest(store, new_id("dataset"), media_type, source, 1 << 30)
    assert [c.model_dump() for c in again.columns] == [c.model_dump() for c in dataset.columns]
    assert read_rows(store, again, 0, ROWS) == read_rows(store, dataset, 0, ROWS)


def test_bfloat16_is_kept_by_safetensors_and_written_out_by_text(
    store: ArtifactStore, tmp_path: Any
) -> None:
    dataset = store_json(store, {"x": [0.5, -1.25, 3e38]}, dtypes={"x": "bfloat16"})
    values = np.array([0.5, -1.25, 3e38]).astype(bfloat16)
    raw = write(store, dataset, "safetensors")
    assert raw.endswith(values.tobytes())
    path = tmp_path / "a.safetensors"
    path.write_bytes(raw)
    with safe_open(path, framework="numpy") as file:
        assert file.get_slice("x").get_dtype() == "BF16"
    lines = write(store, dataset, "ndjson").splitlines()
    assert [json.loads(line)["x"] for line in lines] == values.astype(float).tolist()
    cells = write(store, dataset, "csv").decode().split()[1:]
    assert np.array_equal(np.array(cells, np.float32), values.astype(np.float32))


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("npz", {"whole", "half", "flag", "town", "pair", "bag"}),
        ("safetensors", {"whole", "half", "flag", "town", "pair", "bag"}),
        ("csv", {"bag"}),
    ],
)
def test_a_column_that_a_format_cannot_express_is_named(
    store: ArtifactStore, name: OutputName, columns: set[str]
) -> None:
    with pytest.raises(Invalid) as caught:
        write(store, store_mixed(store), name)
    details = [fault.detail for fault in caught.value.faults]
    assert {detail.split("'")[1] for detail in details} == columns
    assert all(detail.startswith(f"{name} cannot express") for detail in details)


def test_values_that_are_not_finite_need_another_format_than_ndjson(store: ArtifactStore) -> None:
    file = io.BytesIO()
    np.savez(file, x=np.array([1, np.nan]))
    file.seek(0)
    dataset = ingest(store, new_id("dataset"), "application/x-npz", file, 1 << 30)
    with pytest.raises(Invalid, match="not finite"):
        write(store, dataset, "ndjson")
    table = pq.read_table(io.BytesIO(write(store, dataset, "parquet")))
    assert table["x"].null_count == 0
    assert np.isnan(table["x"][1].as_py())


@pytest.mark.parametrize("columns", [{"x": [[1, 2]], "x_0": [1]}, {"x": [list(range(5_000))]}])
def test_a_csv_has_no_doubtful_columns(store: ArtifactStore, columns: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="csv"):
        write(store, store_json(store, columns), "csv")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csv", "ndjson", "parquet", "arrow", "npz", "safetensors"])
def test_memory_does_not_grow_with_the_rows(
    store: ArtifactStore, name: OutputName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MOST_ROWS", 10_000)
    peaks = []
    for count in (40_000, 160_000):
        file = io.BytesIO()
        np.savez(file, x=np.arange(count * 4.0).reshape(count, 4), y=np.arange(count))
        file.seek(0)
        dataset = ingest(store, new_id("dataset"), "application/x-npz", file, 1 << 30)
        tracemalloc.start()
        for _ in write_dataset(store, dataset, name):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]
