"""Real tables, sent as they lie in files, are stored as they are."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as pa_csv
from pyarrow import parquet
from sklearn import datasets

from tests.support.dataset_bodies import (
    CSV,
    FILE,
    PARQUET,
    STREAM,
    TSV,
    find_vega_file,
    write_csv,
    write_file,
    write_stream,
    write_table,
)
from tests.support.service import Service

Columns = dict[str, list[Any]]


def load_table(load: Callable[[], Any]) -> Columns:
    """Returns a data set of scikit-learn as columns; classes are named by their texts."""
    bunch = load()
    names = [name.replace(" (cm)", "").replace(" ", "_") for name in bunch.feature_names]
    columns = {name: bunch.data[:, i].tolist() for i, name in enumerate(names)}
    if bunch.target.ndim > 1:
        targets = zip(bunch.target_names, bunch.target.T.tolist(), strict=True)
        return columns | dict(targets)
    named = getattr(bunch, "target_names", None)
    target = bunch.target if named is None else np.asarray(named)[bunch.target]
    return columns | {"target": target.tolist()}


def read_back(service: Service, dataset: dict[str, Any]) -> Columns:
    """Reads all rows of a dataset, page by page."""
    found: Columns = {column["name"]: [] for column in dataset["columns"]}
    for start in range(0, dataset["rows"], 1_000):
        path = f"/v1/datasets/{dataset['id']}/rows?start={start}&count=1000"
        for name, values in service.client.get(path).json()["columns"].items():
            found[name] += values
    return found


@pytest.mark.parametrize("media_type", [CSV, PARQUET])
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "linnerud"])
def test_tables_of_scikit_learn(service: Service, name: str, media_type: str) -> None:
    columns = load_table(getattr(datasets, f"load_{name}"))
    dataset = service.file_dataset(write_table(columns, media_type), media_type)
    assert read_back(service, dataset) == columns
    last = dataset["columns"][-1]
    if name in ("iris", "wine", "breast_cancer"):
        counts = {item["value"]: item["count"] for item in last["classes"]}
        assert counts == {value: columns["target"].count(value) for value in counts}
        assert last["dtype"] == "string"
    for column in dataset["columns"]:
        if column["dtype"] != "string":
            assert column["mean"] == pytest.approx(np.mean(columns[column["name"]]))


@pytest.mark.parametrize("media_type", [CSV, PARQUET])
def test_cars_with_texts_and_missing_values(service: Service, media_type: str) -> None:
    rows = json.loads(find_vega_file("cars.json").read_text())
    columns: Columns = {name: [row[name] for row in rows] for name in rows[0]}
    dataset = service.file_dataset(write_table(columns, media_type), media_type)
    assert read_back(service, dataset) == columns
    missing = {column["name"]: column.get("missing", 0) for column in dataset["columns"]}
    assert missing == {name: values.count(None) for name, values in columns.items()}
    assert missing["Miles_per_Gallon"] > 0


MIXED: Columns = {
    "whole": [1, None, 2**62],
    "real": [0.1, -2.5, 1e300],
    "town": ["Ulm", 'with "quotes",\nand a line', None],
    "flag": [True, False, None],
}
WRITERS: dict[str, Callable[[], bytes]] = {
    CSV: lambda: write_table(MIXED, CSV),
    TSV: lambda: write_csv(list(MIXED), zip(*MIXED.values(), strict=True), "\t"),
    PARQUET: lambda: write_table(MIXED, PARQUET),
    STREAM: lambda: write_stream(pa.table(MIXED)),
    FILE: lambda: write_file(pa.table(MIXED)),
}
READERS: dict[str, Callable[[bytes], Columns]] = {
    "csv": lambda raw: pa_csv.read_csv(
        io.BytesIO(raw),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(strings_can_be_null=True),
    ).to_pydict(),
    "ndjson": lambda raw: pa.Table.from_pylist(
        [json.loads(line) for line in raw.splitlines()]
    ).to_pydict(),
    "parquet": lambda raw: parquet.read_table(io.BytesIO(raw)).to_pydict(),
    "arrow": lambda raw: pa.ipc.open_stream(raw).read_all().to_pydict(),
}


@pytest.mark.parametrize("media_type", WRITERS)
def test_a_table_comes_back_equal(service: Service, media_type: str) -> None:
    """The table is written by the format's own library, and read by that of each other format."""
    dataset = service.file_dataset(WRITERS[media_type](), media_type)
    assert read_back(service, dataset) == MIXED
    for form, read in READERS.items():
        answer = service.client.get(f"/v1/datasets/{dataset['id']}/file?format={form}")
        assert answer.status_code == 200, answer.text
        assert read(answer.content) == MIXED, form


def test_the_weather_of_seattle(service: Service) -> None:
    raw = find_vega_file("seattle-weather.csv").read_bytes()
    dataset = service.file_dataset(raw, CSV)
    found = read_back(service, dataset)
    reader = list(csv.DictReader(io.StringIO(raw.decode())))
    assert found["date"] == [row["date"] for row in reader]
    assert found["weather"] == [row["weather"] for row in reader]
    for name in ("precipitation", "temp_max", "temp_min", "wind"):
        assert found[name] == [float(row[name]) for row in reader]
