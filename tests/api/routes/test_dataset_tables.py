"""Tables through HTTP: CSV, TSV, Parquet and Arrow, with the options of reading them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.support.api_server import Server
from tests.support.dataset_bodies import CSV, PARQUET, TSV, WRITERS, write_csv, write_parquet

NAMES = ["age", "height", "town", "left"]
ROWS: list[list[Any]] = [
    [31, 1.75, "Ulm", True],
    [None, 1.6, "Köln", False],
    [7, None, None, True],
]
DTYPES = {"age": "int64", "height": "float64", "town": "string", "left": "bool"}


def encode(media_type: str) -> bytes:
    if media_type in (CSV, TSV):
        cells = [["" if value is None else value for value in row] for row in ROWS]
        return write_csv(NAMES, cells, "\t" if media_type == TSV else ",")
    columns = zip(NAMES, zip(*ROWS, strict=True), strict=True)
    return WRITERS[media_type](pa.table({name: list(values) for name, values in columns}))


def post(server: Server, media_type: str, raw: bytes, query: str = "") -> dict[str, Any]:
    headers = {"Content-Type": media_type}
    answer = server.client.post(f"/v1/datasets{query}", content=raw, headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def read_rows(server: Server, dataset: dict[str, Any]) -> dict[str, list[Any]]:
    answer = server.client.get(f"/v1/datasets/{dataset['id']}/rows?count=1000")
    return dict(answer.json()["columns"])


def find_faults(server: Server, raw: bytes, query: str = "") -> dict[str, str]:
    headers = {"Content-Type": CSV}
    answer = server.client.post(f"/v1/datasets{query}", content=raw, headers=headers)
    assert answer.status_code == 422, answer.text
    return {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}


@pytest.mark.parametrize("media_type", [CSV, TSV, *WRITERS])
def test_a_table_is_stored_and_read_back(server: Server, media_type: str) -> None:
    dataset = post(server, media_type, encode(media_type), "?name=people")
    assert (dataset["name"], dataset["rows"]) == ("people", 3)
    described = {column["name"]: column for column in dataset["columns"]}
    assert {name: column["dtype"] for name, column in described.items()} == DTYPES
    assert [described[name].get("missing", 0) for name in NAMES] == [1, 1, 1, 0]
    assert described["town"]["classes"] == [
        {"value": "Köln", "count": 1},
        {"value": "Ulm", "count": 1},
    ]
    expected = {n: list(c) for n, c in zip(NAMES, zip(*ROWS, strict=True), strict=True)}
    assert read_rows(server, dataset) == expected


def test_options_are_query_parameters(server: Server) -> None:
    raw = b"pixel_10;pixel_2;label\n1;2;007\n3;-;008\n"
    query = (
        "?delimiter=%3B&null=-&null=&vector.pixels=pixel_*&dtype.pixels=float32&shape.pixels=2,1"
    )
    dataset = post(server, CSV, raw, query)
    assert [(c["name"], c["dtype"], c["shape"]) for c in dataset["columns"]] == [
        ("pixels", "float32", [2, 1]),
        ("label", "string", []),
    ]
    assert read_rows(server, dataset) == {
        "pixels": [[[2.0], [1.0]], [[None], [3.0]]],
        "label": ["007", "008"],
    }
    dataset = post(server, CSV, raw, "?delimiter=;&dtype.label=uint8&header=true")
    assert read_rows(server, dataset)["label"] == [7, 8]
    dataset = post(server, CSV, b"1,2\n3,4\n", "?header=false")
    assert read_rows(server, dataset) == {"column_0": [1, 3], "column_1": [2, 4]}


def test_faults_have_their_place(server: Server) -> None:
    raw = b"x,y\n1,2\n3,many\n"
    found = find_faults(server, raw, "?dtype.y=int32")
    assert found == {"/columns/y/1": "Column 'y', line 3 (row 1): 'many' is no int32."}
    found = find_faults(server, raw, "?dtype.z=int32")
    assert found == {"": "`dtype.z`: there is no column 'z'."}
    found = find_faults(server, b"x,y\n1\n")
    assert "Line 2 has 1 cells" in found["/rows/0"]
    found = find_faults(server, raw, "?size=8x8")
    assert "does not apply to text/csv" in found[""]


def test_a_parquet_file_refuses_the_options_of_text(server: Server) -> None:
    raw = write_parquet(pa.table({"x": [1]}))
    headers = {"Content-Type": PARQUET}
    answer = server.client.post("/v1/datasets?delimiter=;", content=raw, headers=headers)
    assert answer.status_code == 422
    assert "`delimiter` does not apply" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("media_type", [CSV, *WRITERS])
def test_a_refused_table_stores_nothing(server: Server, media_type: str) -> None:
    before = {path for path in server.data.rglob("*") if path.is_file()}
    raw = b"x,y\n1,2\n3\n" if media_type == CSV else encode(media_type)[:-3]
    headers = {"Content-Type": media_type}
    assert server.client.post("/v1/datasets", content=raw, headers=headers).status_code == 422
    after = {path for path in server.data.rglob("*") if path.is_file()}
    assert {path for path in after - before if "sqlite" not in path.name} == set()


def test_a_large_table_is_read_with_its_statistics(server: Server) -> None:
    random = np.random.default_rng(15)
    values, groups = random.normal(size=100_000), random.integers(0, 5, 100_000)
    raw = write_csv(["value", "group"], zip(values.tolist(), groups.tolist(), strict=True))
    value, group = post(server, CSV, raw)["columns"]
    assert (value["min"], value["max"]) == (values.min(), values.max())
    assert value["std"] == pytest.approx(values.std())
    counts = {item["value"]: item["count"] for item in group["classes"]}
    assert counts == dict(zip(*np.unique(groups, return_counts=True), strict=True))
