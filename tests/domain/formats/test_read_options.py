"""Options of reading a dataset, as the JSON of an import has them."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.formats.read_options import DEFAULT_NULL, DEFAULT_OPTIONS, ReadOptions


def test_options_are_read_from_json() -> None:
    sent = {
        "delimiter": ";",
        "header": False,
        "null": ["-", ""],
        "quoted_null": False,
        "dtype": {"age": "int32"},
        "shape": {"pixels": [8, 8]},
        "vector": {"pixels": "pixel_*"},
    }
    options = ReadOptions.model_validate(sent)
    assert options.model_dump(exclude_unset=True) == sent
    assert options.given == list(sent)
    assert options.null_texts == ["-", ""]


def test_nothing_is_given_by_default() -> None:
    assert DEFAULT_OPTIONS.given == []
    assert DEFAULT_OPTIONS.null_texts == list(DEFAULT_NULL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"delimiter": ""},
        {"delimiter": "ab"},
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"delimiter": "é"},
        {"dtype": {"x": "int"}},
        {"dtype": {"": "int32"}},
        {"shape": {"x": [0]}},
        {"shape": {"x": [2] * 32}},
        {"vector": {"x": "pixel_0"}},
        {"vector": {"x": "*_*"}},
        {"sep": ";"},
        {"size": "0x9"},
        {"size": "5793x5793"},
        {"size": "99999x99999"},
    ],
)
def test_malformed_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReadOptions.model_validate(wrong)


def test_the_largest_size_of_an_image_is_taken() -> None:
    assert ReadOptions.model_validate({"size": "8192x4096"}).size == "8192x4096"
