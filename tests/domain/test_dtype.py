"""The properties of dtypes equal those of NumPy, if NumPy knows the dtype."""

import numpy as np
import pytest

from domain.dtype import (
    DTYPES,
    FLOATS,
    INTEGERS,
    NUMBERS,
    TEXT,
    bounds_of,
    bytes_of,
    is_float,
    kind_of,
)

_KINDS = {"b": "bool", "i": "integer", "u": "integer", "f": "float"}


def test_every_dtype_has_one_kind() -> None:
    assert sorted((*FLOATS, *INTEGERS, "bool", TEXT)) == sorted(DTYPES)
    assert set(NUMBERS) == set(DTYPES) - {TEXT}
    assert all(map(is_float, FLOATS))
    assert not any(map(is_float, (*INTEGERS, "bool", TEXT)))


@pytest.mark.parametrize("dtype", [name for name in NUMBERS if name != "bfloat16"])
def test_properties_equal_those_of_numpy(dtype: str) -> None:
    known = np.dtype(dtype)
    assert kind_of(dtype) == _KINDS[known.kind]
    assert bytes_of(dtype) == known.itemsize
    if kind_of(dtype) == "integer":
        assert bounds_of(dtype) == (np.iinfo(known).min, np.iinfo(known).max)


def test_dtypes_unknown_to_numpy_have_properties() -> None:
    assert kind_of("bfloat16") == "float"
    assert bytes_of("bfloat16") == 2
    assert bytes_of(TEXT) == 8
    assert kind_of("<U3") == "text"
    assert bounds_of("bool") == (0, 1)
    assert bounds_of("float32") is None
    assert bounds_of(TEXT) is None
