"""Vectors, shapes and dtypes of the columns of a table."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import Invalid
from tests.support.dataset_bodies import CSV, WRITERS, encode_csv, read_body, write_csv

DIGITS = np.random.default_rng(15).integers(0, 17, (5, 64))


@pytest.mark.parametrize("media_type", [CSV, *WRITERS])
def test_columns_become_a_vector_in_the_order_of_their_numbers(media_type: str) -> None:
    order = np.random.default_rng(1).permutation(64)
    columns: dict[str, Any] = {f"pixel_{i}": DIGITS[:, i] for i in order} | {"label": np.arange(5)}
    raw = encode_csv(**columns) if media_type == CSV else WRITERS[media_type](pa.table(columns))
    options: dict[str, Any] = {"vector": {"pixels": "pixel_*"}}
    found = read_body(raw, media_type, **options)
    assert list(found) == ["pixels", "label"]
    assert (found["pixels"].column.dtype, found["pixels"].column.shape) == ("int64", [64])
    assert found["pixels"].rows == DIGITS.tolist()
    options |= {"shape": {"pixels": [8, 8]}, "dtype": {"pixels": "uint8"}}
    image = read_body(raw, media_type, **options)["pixels"]
    assert (image.column.dtype, image.column.shape) == ("uint8", [8, 8])
    assert image.rows == DIGITS.reshape(5, 8, 8).tolist()


def test_a_vector_holds_the_numbers_of_all_its_columns() -> None:
    raw = write_csv(["x_2", "x_10", "x_1"], [[1, 2.5, ""], [3, 4, 5]])
    found = read_body(raw, CSV, vector={"x": "x_*"})["x"]
    assert found.column.dtype == "float64"
    assert found.rows == [[None, 1.0, 2.5], [5.0, 3.0, 4.0]]
    assert found.column.missing == 1


def test_two_vectors() -> None:
    raw = write_csv(["a1", "b1", "a2", "y", "b2"], [[1, 2, 3, 4, 5]])
    found = read_body(raw, CSV, vector={"b": "b*", "a": "a*"})
    assert {name: column.rows for name, column in found.items()} == {
        "a": [[1, 3]],
        "b": [[2, 5]],
        "y": [4],
    }


@pytest.mark.parametrize(
    ("options", "pointer", "detail"),
    [
        ({"dtype": {"lable": "int8"}}, "/options/dtype/lable", "Did you mean 'label'?"),
        ({"shape": {"z": [1]}}, "/options/shape/z", "`shape.z`: there is no column 'z'"),
        ({"vector": {"p": "q_*"}}, "/options/vector/p", "no column is named like 'q_*'"),
        ({"vector": {"label": "p_*"}}, "/options/vector/label", "has a column 'label' already"),
        ({"vector": {"a": "p_*", "b": "p_*"}}, "/options/vector/b", "part of 'a'"),
        ({"vector": {"p": "p_*"}, "dtype": {"p_1": "int8"}}, "/options/dtype/p_1", "a vector"),
        ({"vector": {"p": "p_*"}, "shape": {"p": [3]}}, "/options/shape/p", "a row has 2 values"),
        ({"vector": {"t": "t_*"}}, "/columns/t_0", "holds text"),
        ({"vector": {"p": "p_*"}, "dtype": {"p": "string"}}, "/options/dtype/p", "hold numbers"),
        ({"vector": {"w": "w_*"}}, "/options/vector/w", "the same number"),
        ({"shape": {"label": [2, 2]}}, "/options/shape/label", "a row has 1 values"),
    ],
)
def test_an_option_at_fault_is_named(options: dict[str, Any], pointer: str, detail: str) -> None:
    names = ["p_0", "p_1", "label", "t_0", "t_1", "w_1", "w_01"]
    raw = write_csv(names, [[1, 2, 3, "a", "b", 1, 2]])
    with pytest.raises(Invalid) as caught:
        read_body(raw, CSV, **options)
    assert pointer in {fault.pointer for fault in caught.value.faults}
    assert any(detail in fault.detail for fault in caught.value.faults)


def test_a_scalar_may_have_a_shape_of_ones() -> None:
    found = read_body(b"x\n1\n2\n", CSV, shape={"x": [1, 1]})["x"]
    assert found.rows == [[[1]], [[2]]]
