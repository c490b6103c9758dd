"""Statistics of columns, against NumPy's and Python's own."""

import statistics
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from domain.dataset import MOST_CLASSES
from models_store.datasets.columns.distinct import DistinctTexts
from models_store.datasets.columns.npy import DTYPES, Array
from models_store.datasets.columns.statistics import NumberStatistics, TextStatistics

DRAW = np.random.default_rng(15)


def describe(array: Array, missing: Array | None = None, blocks: int = 3) -> dict[str, object]:
    found = NumberStatistics(counts_values=True)
    masks = [None] * blocks if missing is None else np.array_split(missing, blocks)
    for block, mask in zip(np.array_split(array, blocks), masks, strict=True):
        found.add(block, mask)
    return found.describe()


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_statistics_are_those_of_numpy(dtype: str, data: st.DataObject) -> None:
    array = data.draw(arrays.arrays(dtype, st.integers(1, 40)))
    missing = data.draw(arrays.arrays(np.bool_, array.shape))
    found = describe(array, missing)
    present = array[~missing]
    finite = present[np.isfinite(present)]
    assert found["missing"] == np.count_nonzero(missing)
    assert found["not_finite"] == len(present) - len(finite)
    assert found["distinct"] == len(np.unique(finite))
    if not len(finite):
        assert (found["min"], found["max"], found["mean"], found["std"]) == (None,) * 4
        return
    assert (found["min"], found["max"]) == (finite.min().item(), finite.max().item())
    if dtype in ("int64", "uint64"):
        mean, deviation = statistics.mean(finite.tolist()), statistics.pstdev(finite.tolist())
        assert found["mean"] == pytest.approx(mean, rel=1e-12, abs=1e-12 * deviation)
        assert found["std"] == pytest.approx(deviation, rel=1e-9)
    elif dtype != "float64":
        wide = finite.astype(np.float64)
        assert found["mean"] == pytest.approx(wide.mean(), rel=1e-9, abs=1e-9 * abs(wide).max())
        assert found["std"] == pytest.approx(wide.std(), rel=1e-6, abs=1e-6 * abs(wide).max())
    if "float" in dtype:
        assert found["classes"] is None
    else:
        classes = {item.value: item.count for item in found["classes"]}  # type: ignore[attr-defined]
        assert classes == Counter(finite.tolist())
        assert list(classes) == sorted(classes)


@pytest.mark.parametrize(
    ("dtype", "low"),
    [("int64", 2**60), ("int64", -(2**63)), ("uint64", 2**64 - 2_000), ("int64", 2**53 + 1)],
)
def test_whole_numbers_beyond_float64_are_described_exactly(dtype: str, low: int) -> None:
    offsets = DRAW.integers(0, 1_000, 70_000).tolist()
    values = [low + offset for offset in offsets]
    found = describe(np.array(values, dtype))
    assert (found["min"], found["max"]) == (min(values), max(values))
    assert (type(found["min"]), type(found["max"])) == (int, int)
    assert found["mean"] == float(statistics.mean(values))
    assert found["std"] == pytest.approx(statistics.pstdev(offsets), rel=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_deviation_of_many_blocks_is_exact(offset: float) -> None:
    array = DRAW.normal(offset, 2.0, 100_000)
    found = describe(array, blocks=37)
    assert found["mean"] == pytest.approx(array.mean(), rel=1e-12)
    assert found["std"] == pytest.approx(array.std(), rel=1e-9)


@pytest.mark.parametrize("count", [MOST_CLASSES, MOST_CLASSES + 1, 4_000])
def test_up_to_four_thousand_distinct_numbers_are_counted_exactly(count: int) -> None:
    found = describe(DRAW.permutation(np.arange(3 * count) % count), blocks=7)
    assert found["distinct"] == count
    assert (found["classes"] is None) == (count > MOST_CLASSES)


@pytest.mark.parametrize("dtype", ["int64", "float64", "float32", "uint32"])
def test_the_number_of_many_distinct_numbers_is_estimated(dtype: str) -> None:
    count = 300_000
    array = DRAW.permutation(np.repeat(np.arange(count), 2)).astype(dtype)
    assert describe(array, blocks=40)["distinct"] == pytest.approx(count, rel=0.08)


def encode(texts: Sequence[str | None]) -> tuple[Array, Array, Array]:
    """The lengths, the bytes and the mask of the missing ones, as a writer hands them on."""
    raw = [(text or "").encode() for text in texts]
    lengths = np.array([len(text) for text in raw])
    missing = np.array([text is None for text in texts])
    return lengths, np.frombuffer(b"".join(raw), np.uint8), missing


def test_texts_are_counted() -> None:
    counted = TextStatistics()
    for texts in (["b", None, "", None, "b", None], ["a", "b"]):
        counted.add(*encode(texts))
    found = counted.describe()
    assert [(c.value, c.count) for c in found["classes"]] == [("", 1), ("a", 1), ("b", 3)]
    assert (found["missing"], found["distinct"], found["min"]) == (3, 3, None)


@pytest.mark.parametrize("count", [1_001, 60_000])
def test_the_number_of_many_texts_is_estimated(count: int) -> None:
    distinct = DistinctTexts()
    for start in range(0, count, 500):
        numbers = (i % count for i in range(start, start + 1_000))
        texts = [f"text {i} {'ü' * (i % 50)}" for i in numbers]
        distinct.add(*encode(texts)[:2])
    assert distinct.classes is None
    assert distinct.count == pytest.approx(count, rel=0.08 if count > 4_000 else 0)


def test_long_texts_are_no_classes() -> None:
    distinct = DistinctTexts()
    distinct.add(*encode(["a" * 70_000, "b", "b"])[:2])
    assert distinct.classes is None
    assert distinct.count == 2
