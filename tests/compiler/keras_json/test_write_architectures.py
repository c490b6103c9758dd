"""Every architecture of `keras.applications` is read and written again."""

import json

import keras
import pytest

from compiler.keras_json.read import read
from compiler.keras_json.write import write
from domain.graph.language import Blueprint
from tests.compiler.keras_json.architectures import (
    ARCHITECTURES,
    find_form,
    without_weights,
    write_architecture,
)


def test_there_are_at_least_forty_architectures() -> None:
    assert len(ARCHITECTURES) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_plain_keras_loads_architectures_that_were_read_and_written(name: str) -> None:
    text, wanted = write_architecture(name)
    reading = read(text)
    assert reading.faults == []
    assert reading.definition is not None
    result = write(Blueprint(definition=reading.definition))
    assert result.faults == []
    with without_weights():
        again = keras.models.model_from_json(json.dumps(result.keras_json))
        assert find_form(again) == wanted
