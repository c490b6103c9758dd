"""Histograms and frequent values are those that NumPy and Python count."""

import io
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dataset import Dataset
from models_store.datasets import distribution
from models_store.datasets.distribution import Distribution, describe_values
from models_store.datasets.ingest import ingest
from models_store.files.store import ArtifactStore
from models_store.ids import new_id


def put(store: ArtifactStore, values: Any, **fields: Any) -> Dataset:
    raw = json.dumps({**fields, "columns": {"x": values}}).encode()
    return ingest(store, new_id("dataset"), "application/json", io.BytesIO(raw), 1 << 30)


def describe(store: ArtifactStore, values: Any, bins: int = 10, **fields: Any) -> Distribution:
    return describe_values(store, put(store, values, **fields), 0, bins)


def pairs(found: Distribution) -> dict[Any, int]:
    assert found.frequent is not None
    return {each.value: each.count for each in found.frequent}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "BLOCK_VALUES", 100)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.none() | st.integers(-50, 50) | st.floats(-1e6, 1e6), min_size=1, max_size=300
    ).filter(lambda values: any(value is not None for value in values)),
    st.integers(1, 40),
)
def test_the_histogram_is_that_of_numpy(
    store: ArtifactStore, values: list[float | None], bins: int
) -> None:
    found = describe(store, values, bins)
    present = [value for value in values if value is not None]
    counts, edges = np.histogram(present, bins)
    assert found.histogram is not None
    assert found.histogram.counts == counts.tolist()
    assert found.histogram.edges == pytest.approx(edges.tolist())
    assert found.counted == len(present)


@pytest.mark.parametrize("low", [2**60, -(2**63), 2**53 + 1])
def test_the_histogram_of_large_whole_numbers_is_exact(store: ArtifactStore, low: int) -> None:
    offsets = np.random.default_rng(3).integers(0, 101, 2_000)
    offsets[:2] = 0, 100
    found = describe(store, [low + offset for offset in offsets.tolist()])
    counts, edges = np.histogram(offsets, 10)
    assert found.histogram is not None
    assert found.histogram.counts == counts.tolist()
    assert found.histogram.edges == [float(low + int(edge)) for edge in edges]


@pytest.mark.parametrize("dtype", ["int64", "uint64", "float64"])
@pytest.mark.parametrize("value", [0, 1, 10**17, 2**62])
def test_equal_values_have_a_histogram(store: ArtifactStore, dtype: str, value: int) -> None:
    found = describe(store, [value] * 3, dtypes={"x": dtype})
    assert found.histogram is not None
    assert found.histogram.counts == np.histogram([0] * 3, 10)[0].tolist()
    assert found.histogram.edges[0] <= value <= found.histogram.edges[-1]


@pytest.mark.parametrize(
    "values", [[1e17, 1e17 + 16, 1e17 + 32], [0.0, 5e-324], [1.0, np.nextafter(1.0, 2.0)]]
)
def test_values_of_adjacent_floats_have_a_histogram(
    store: ArtifactStore, values: list[float]
) -> None:
    found = describe(store, values, 50)
    assert found.histogram is not None
    assert sum(found.histogram.counts) == len(values)
    assert (found.histogram.edges[0], found.histogram.edges[-1]) == (values[0], values[-1])
    assert (found.histogram.counts[0], found.histogram.counts[-1]) == (1, 1) or len(
        found.histogram.counts
    ) == 1


@pytest.mark.slow
def test_frequent_values_are_counted(store: ArtifactStore) -> None:
    random = np.random.default_rng(1)
    numbers = random.zipf(1.3, 5_000) % 500
    found = describe(store, numbers.tolist())
    expected = Counter(numbers.tolist()).most_common(20)
    assert sorted(pairs(found).values(), reverse=True) == [count for _, count in expected]
    assert all(pairs(found)[value] == np.count_nonzero(numbers == value) for value in pairs(found))
    texts = [f"é {number}" if number % 3 else None for number in numbers.tolist()]
    found = describe(store, texts)
    assert found.histogram is None
    counts = Counter(text for text in texts if text is not None)
    assert pairs(found).items() <= counts.items()
    assert found.counted == sum(counts.values())


def test_rare_values_are_dropped_but_frequent_ones_are_exact(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "MOST_CANDIDATES", 200)
    values = [value for i in range(3_000) for value in (i + 10, i % 3)]
    found = describe(store, values)
    assert list(pairs(found).items())[:3] == [(0, 1000), (1, 1000), (2, 1000)]


def test_booleans_and_vectors_and_ragged_rows(store: ArtifactStore) -> None:
    found = describe(store, [True, None, False, True])
    assert (found.histogram, pairs(found)) == (None, {True: 2, False: 1})
    found = describe(store, [[[1, 2], [2, 2]]] * 200)
    assert (pairs(found), found.counted) == ({2: 600, 1: 200}, 800)
    found = describe(store, [["a"], [], ["b", "a"]] * 50, shapes={"x": [None]})
    assert pairs(found) == {"a": 100, "b": 50}
    found = describe(store, [0.5, 0.5])
    assert found.frequent is None
    assert found.histogram is not None
    assert sum(found.histogram.counts) == 2


def test_a_long_column_is_counted_in_part(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "MOST_VALUES", 1_000)
    found = describe(store, list(range(10_000)))
    assert found.counted == 1_000
    assert found.histogram is not None
    assert all(count > 0 for count in found.histogram.counts)


def test_a_range_beyond_float64_has_no_histogram(store: ArtifactStore) -> None:
    assert describe(store, [-1.7e308, 1.7e308]).histogram is None
