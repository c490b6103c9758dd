"""The dtypes of tensors and columns, by NumPy's names."""

from typing import Literal, get_args

Dtype = Literal[
    "float16", "bfloat16", "float32", "float64", "bool", "string",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip
Kind = Literal["bool", "integer", "float", "text"]

DTYPES: tuple[str, ...] = get_args(Dtype)
FLOATS = tuple(name for name in DTYPES if "float" in name)
INTEGERS = tuple(name for name in DTYPES if "int" in name)
NUMBERS = (*FLOATS, "bool", *INTEGERS)
"""Every dtype except text."""
TEXT = "string"
TEXT_BYTES = 8
"""The size of a pointer to a text."""


def kind_of(dtype: str) -> Kind:
    """The kind of values that a dtype has; an unknown name means text."""
    if "float" in dtype:
        return "float"
    if dtype.startswith(("int", "uint")):
        return "integer"
    return "bool" if dtype == "bool" else "text"


def is_float(dtype: str) -> bool:
    """Whether a dtype has fractions."""
    return kind_of(dtype) == "float"


def bounds_of(dtype: str) -> tuple[int, int] | None:
    """The smallest and the largest value of an integer dtype or bool; None for other dtypes."""
    if dtype == "bool":
        return 0, 1
    if kind_of(dtype) != "integer":
        return None
    bits = 8 * bytes_of(dtype)
    return (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def bytes_of(dtype: str) -> int:
    """The size of one value, in bytes; a text counts as a pointer."""
    if dtype == "bool":
        return 1
    digits = dtype.lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits) // 8 if digits else TEXT_BYTES
