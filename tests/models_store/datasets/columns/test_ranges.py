"""Rows are read in ranges that are short, however long single rows or texts are."""

import io
import json
import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dataset import Dataset
from domain.errors import Invalid
from domain.splits.split import SplitRequest
from models_store.datasets import rows as rows_module
from models_store.datasets.columns import ranges
from models_store.datasets.columns.ranges import list_ranges
from models_store.datasets.distribution import describe_values
from models_store.datasets.ingest import ingest
from models_store.datasets.output.registry import write_dataset
from models_store.datasets.rows import open_columns, read_rows
from models_store.datasets.split.split import stage_split
from models_store.files.local import LocalArtifacts
from models_store.ids import new_id

TEXT = st.text("aé", max_size=6)
PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=4)
ROWS = st.lists(
    st.tuples(TEXT, st.lists(TEXT, max_size=4), PAIRS, st.tuples(TEXT, TEXT), st.integers(0, 9)),
    min_size=1,
    max_size=20,
)
NAMES = ("text", "texts", "pairs", "two", "number")
SHAPES: dict[str, Any] = {"texts": [None], "pairs": [None, 2]}
DTYPES = {"texts": "string", "pairs": "int16"}


def store_columns(store: LocalArtifacts, columns: dict[str, Any], **fields: Any) -> Dataset:
    raw = json.dumps({**fields, "columns": columns}).encode()
    return ingest(store, new_id("dataset"), "application/json", io.BytesIO(raw), 1 << 30)


def make_view(store: LocalArtifacts, dataset: Dataset, seed: int) -> Dataset:
    """Returns half of the rows in a random order."""
    request = SplitRequest(parts={"a": 0.5, "b": 0.5})
    with stage_split(store, dataset, request, seed) as staged:
        store.publish_all(staged.files)
        return staged.parts["a"]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 12), st.integers(1, 30), st.integers(0, 99))
def test_ranges_are_as_long_as_they_may_be(
    tmp_path: Path, drawn: list[Any], most_values: int, most_bytes: int, seed: int
) -> None:
    store = LocalArtifacts(tmp_path)
    columns = dict(zip(NAMES, map(list, zip(*drawn, strict=True)), strict=True))
    dataset = store_columns(store, columns, shapes=SHAPES, dtypes=DTYPES)
    datasets = [dataset, make_view(store, dataset, seed)] if len(drawn) > 1 else [dataset]
    for each in datasets:
        values = read_rows(store, each, 0, 100).columns
        counts = [1 + len(values["texts"][i]) + 2 * len(values["pairs"][i]) + 2 for i in
                  range(each.rows)]  # fmt: skip
        sizes = [
            sum(len(text.encode()) for text in [values["text"][i], *values["texts"][i],
                                                *values["two"][i]])
            for i in range(each.rows)
        ]  # fmt: skip
        with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
            patch.setattr(ranges, "MOST_VALUES", most_values)
            patch.setattr(ranges, "MOST_TEXT_BYTES", most_bytes)
            opened = open_columns(store, each, stack)
            for start in (0, each.rows // 2):
                found = list(list_ranges(opened, start, each.rows))
                assert [place for pair in found for place in range(*pair)] == list(
                    range(start, each.rows)
                )
                for first, last in found:
                    is_one = last == first + 1
                    assert is_one or sum(counts[first:last]) <= most_values
                    assert is_one or sum(sizes[first:last]) <= most_bytes


def test_numbers_of_a_fixed_shape_are_one_range(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path)
    dataset = store_columns(store, {"x": [[1, 2]] * 9})
    with ExitStack() as stack:
        assert list(list_ranges(open_columns(store, dataset, stack), 2, 9)) == [(2, 9)]


LONG = 1_000_000


@pytest.fixture(scope="module")
def long_texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalArtifacts, Dataset]:
    """Sixty texts of a megabyte, and one of each in a row of 40 short ones."""
    store = LocalArtifacts(tmp_path_factory.mktemp("long"))
    lines = (
        json.dumps({"text": chr(97 + i % 26) * LONG + str(i % 3), "class": i % 3}) + "\n"
        for i in range(60)
    )
    raw = "".join(lines).encode()
    source = io.BytesIO(raw)
    return store, ingest(store, new_id("dataset"), "application/x-ndjson", source, 1 << 30)


def measure_peak(work: Any) -> int:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("is_view", [False, True])
@pytest.mark.parametrize("form", ["csv", "ndjson", "arrow"])
def test_long_texts_are_sent_in_flat_memory(
    long_texts: tuple[LocalArtifacts, Dataset], monkeypatch: pytest.MonkeyPatch, form: Any,
    is_view: bool,
) -> None:  # fmt: skip
    store, dataset = long_texts
    monkeypatch.setattr(ranges, "MOST_TEXT_BYTES", 4 * LONG)
    dataset = make_view(store, dataset, 1) if is_view else dataset
    sent = 0

    def send() -> None:
        nonlocal sent
        for block in write_dataset(store, dataset, form):
            sent += len(block)

    assert measure_peak(send) < 50 * LONG
    assert sent > dataset.rows * LONG


def test_long_texts_are_described_and_split_in_flat_memory(
    long_texts: tuple[LocalArtifacts, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, dataset = long_texts
    monkeypatch.setattr(ranges, "MOST_TEXT_BYTES", 4 * LONG)
    monkeypatch.setattr("models_store.datasets.distribution.MOST_CANDIDATE_BYTES", 8 * LONG)
    assert measure_peak(lambda: describe_values(store, dataset, 0, 10)) < 25 * LONG

    def split() -> None:
        request = SplitRequest(parts={"a": 0.5, "b": 0.5}, stratify="text")
        with stage_split(store, dataset, request, 3) as staged:
            parts.extend(staged.parts.values())

    parts: list[Dataset] = []
    assert measure_peak(split) < 25 * LONG
    assert [part.rows for part in parts] == [30, 30]


def test_rows_of_long_texts_are_read_one_by_one(
    long_texts: tuple[LocalArtifacts, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, dataset = long_texts
    found = read_rows(store, dataset, 5, 50)
    assert (found.start, found.count) == (5, rows_module.MAX_BYTES // (LONG + 1))
    assert found.columns["text"][2] == "h" * LONG + "1"
    monkeypatch.setattr(rows_module, "MAX_BYTES", 10)
    assert read_rows(store, dataset, 5, 50).count == 1
    monkeypatch.setattr(rows_module, "MAX_ROW_BYTES", LONG)
    with pytest.raises(Invalid, match="Row 7 has 1,000,001 bytes of text; rows of more than"):
        read_rows(store, dataset, 7, 50)


def test_rows_that_differ_in_length_are_counted(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path)
    lengths = [3, 60_000, 50_000, 0, 1, 3_000_000, 2]
    columns = {"x": [[1] * length for length in lengths], "y": lengths}
    dataset = store_columns(store, columns, shapes={"x": [None]}, dtypes={"x": "uint8"})
    for start, count in ((0, 2), (1, 1), (2, 3), (3, 2), (6, 1)):
        found = read_rows(store, dataset, start, 5)
        assert found.count == count
        assert [len(row) for row in found.columns["x"]] == lengths[start : start + count]
    with pytest.raises(Invalid, match="Row 5 has 3,000,001 values"):
        read_rows(store, dataset, 5, 1)


def test_strata_of_long_texts_are_those_of_the_texts(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path)
    start = "a" * 300
    texts = [start + "2", "b", start + "1", "b\0", start + "2", "b", "", start + "1"] * 5
    dataset = store_columns(store, {"x": texts})
    request = SplitRequest(parts={"a": 0.4, "b": 0.6}, stratify="x")
    with stage_split(store, dataset, request, 3) as staged:
        store.publish_all(staged.files)
        found = read_rows(store, staged.parts["a"], 0, 100).columns["x"]
    counts = {text: found.count(text) for text in set(texts)}
    assert counts == {text: 2 * texts.count(text) // 5 for text in set(texts)}
    assert np.sum(list(counts.values())) == 16
