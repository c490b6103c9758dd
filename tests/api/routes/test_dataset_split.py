"""`POST /v1/datasets/{id}/split`: parts without copies, each a dataset of its own."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from models_store.maintenance.sweep import sweep
from models_store.maintenance.verify import verify
from tests.api.requests import faults, made
from tests.support.api_server import Server

ROWS = 60
COLUMNS: dict[str, Any] = {
    "x": [[i, i / 2] for i in range(ROWS)],
    "town": [None if i % 10 == 9 else f"é {i % 3}" for i in range(ROWS)],
    "bag": [[i] * (i % 4) for i in range(ROWS)],
    "class": [i % 3 for i in range(ROWS)],
    "person": [f"p{i // 5}" for i in range(ROWS)],
    "age": [None if i % 7 == 0 else i / 3 for i in range(ROWS)],
}
BODY = {"name": "all", "shapes": {"bag": [None]}, "columns": COLUMNS}


def post(server: Server, body: Any = BODY) -> dict[str, Any]:
    return made(server.client.post("/v1/datasets", json=body))


def split(server: Server, dataset: str, **request: Any) -> dict[str, Any]:
    request.setdefault("parts", {"train": 0.75, "test": 0.25})
    return made(server.client.post(f"/v1/datasets/{dataset}/split", json=request))


def rows_of(server: Server, dataset: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = server.client.get(f"/v1/datasets/{dataset}/rows").json()[
        "columns"
    ]
    return found


def list_files(server: Server) -> set[str]:
    return {file.key.split("/")[1] for file in server.parts.artifacts.files("datasets")}


def numbers_of(rows: dict[str, list[Any]]) -> list[int]:
    return [int(pair[0]) for pair in rows["x"]]


def test_parts_have_the_rows_of_the_dataset(server: Server) -> None:
    whole = post(server)
    answer = split(server, whole["id"], seed=5)
    assert answer["seed"] == 5
    found = {name: rows_of(server, part["id"]) for name, part in answer["parts"].items()}
    assert sorted(n for rows in found.values() for n in numbers_of(rows)) == list(range(ROWS))
    for name, rows in found.items():
        numbers = numbers_of(rows)
        assert rows == {key: [values[n] for n in numbers] for key, values in COLUMNS.items()}
        part = answer["parts"][name]
        assert (part["rows"], part["name"]) == (len(numbers), f"all ({name})")
    assert [part["rows"] for part in answer["parts"].values()] == [45, 15]
    again = split(server, whole["id"], seed=5)["parts"]
    assert [part["sha256"] for part in again.values()] == [
        part["sha256"] for part in answer["parts"].values()
    ]
    assert numbers_of(rows_of(server, again["test"]["id"])) == numbers_of(found["test"])


LAST = {"parts": {"train": 0.95, "test": 0.05}, "shuffle": False}
"""Parts of which the second has the last three rows, where no `age` is missing."""


@pytest.mark.parametrize("request_of_parts", [{}, LAST])
def test_statistics_are_those_of_a_dataset_with_these_rows(
    server: Server, request_of_parts: dict[str, Any]
) -> None:
    whole = post(server)
    part = split(server, whole["id"], **request_of_parts)["parts"]["test"]
    rows = rows_of(server, part["id"])
    alone = post(server, {**BODY, "columns": rows})
    for ours, theirs in zip(part["columns"], alone["columns"], strict=True):
        for field in ("mean", "std"):
            assert ours.pop(field) == pytest.approx(theirs.pop(field))
        assert ours == theirs
    assert part["bytes"] == alone["bytes"]


def test_a_part_can_be_split_again(server: Server) -> None:
    whole = post(server)
    train = split(server, whole["id"], seed=1)["parts"]["train"]
    before = numbers_of(rows_of(server, train["id"]))
    parts = split(server, train["id"], parts={"a": 0.5, "b": 0.5}, shuffle=False)["parts"]
    found = [numbers_of(rows_of(server, parts[name]["id"])) for name in ("a", "b")]
    assert found == [before[:23], before[23:]]


def test_strata_and_groups(server: Server) -> None:
    whole = post(server)
    parts = split(server, whole["id"], stratify="class")["parts"]
    for part, count in (("train", 15), ("test", 5)):
        (classes,) = [c["classes"] for c in parts[part]["columns"] if c["name"] == "class"]
        assert [each["count"] for each in classes] == [count] * 3
    parts = split(server, whole["id"], group="person")["parts"]
    people = [set(rows_of(server, part["id"])["person"]) for part in parts.values()]
    assert not people[0] & people[1]
    assert len(people[0] | people[1]) == 12


@pytest.mark.slow
@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_parts_are_deleted_in_any_order(server: Server, order: tuple[int, ...]) -> None:
    whole = post(server)
    first = split(server, whole["id"])["parts"]
    second = split(server, first["train"]["id"])["parts"]
    ids = [whole["id"], first["train"]["id"], second["train"]["id"], second["test"]["id"]]
    server.client.delete(f"/v1/datasets/{first['test']['id']}")
    rows = {identifier: rows_of(server, identifier) for identifier in ids}
    for place in order:
        assert server.client.delete(f"/v1/datasets/{ids[place]}").status_code == 204
        sweep(server.parts.database, server.parts.artifacts, 0)
        del rows[ids[place]]
        for identifier, expected in rows.items():
            assert rows_of(server, identifier) == expected
        mine = {whole["id"], *rows}
        checked = [
            file
            for file in verify(server.parts.database, server.parts.artifacts)
            if file.key.split("/")[1] in mine
        ]
        assert all(file.fault is None for file in checked)
        assert {file.key.split("/")[1] for file in checked} == (mine if rows else set())
    assert not list_files(server) & {*ids, first["test"]["id"]}


def test_a_view_is_sent_as_a_file(server: Server) -> None:
    whole = post(server)
    part = split(server, whole["id"])["parts"]["test"]
    expected = rows_of(server, part["id"])
    lines = server.client.get(f"/v1/datasets/{part['id']}/file?format=ndjson").text.splitlines()
    assert len(lines) == 15
    column = server.client.get(f"/v1/datasets/{part['id']}/columns/age?bins=4").json()
    present = [age for age in expected["age"] if age is not None]
    assert column["histogram"]["counts"] == np.histogram(present, 4)[0].tolist()


@pytest.mark.parametrize(
    ("request_", "pointer", "detail"),
    [
        ({"parts": {"a": 0.5, "b": 0.6}}, "/parts", "sum 1, not 1.1"),
        ({"parts": {"a": 1.5}}, "/parts/a", "less than or equal to 1"),
        ({"parts": {}}, "/parts", "at least 1"),
        ({"parts": {"a": 0.999, "b": 0.001}}, "/parts/b", "would have none of the 60 rows"),
        ({"stratify": "clas"}, "/stratify", "Did you mean 'class'?"),
        ({"stratify": "x"}, "/stratify", "several values"),
        ({"stratify": "age"}, "/stratify", "holds float64"),
        ({"group": "town"}, "/group", "6 missing values"),
        ({"group": "person", "stratify": "class"}, "/group", "either"),
        ({"parts": {str(i): 0.05 for i in range(20)}, "group": "person"}, "/group", "12 groups"),
        ({"seed": -1}, "/seed", "greater than or equal to 0"),
        ({"sed": 1}, "/sed", "seed"),
    ],
)
def test_faults_have_their_place(
    server: Server, request_: dict[str, Any], pointer: str, detail: str
) -> None:
    request_.setdefault("parts", {"train": 0.75, "test": 0.25})
    whole = post(server)
    before = list_files(server)
    answer = server.client.post(f"/v1/datasets/{whole['id']}/split", json=request_)
    assert detail in faults(answer)[pointer]
    assert list_files(server) == before


def test_an_unknown_dataset_is_not_found(server: Server) -> None:
    body = {"parts": {"a": 1}}
    url = "/v1/datasets/dataset_01JZZZZZZZZZZZZZZZZZZZZZZZ/split"
    assert server.client.post(url, json=body).status_code == 404
