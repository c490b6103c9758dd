"""Every architecture of `keras.applications` goes in and out again."""

import json

import keras
import pytest

from compiler.keras_json.read import read
from compiler.keras_json.write import write
from domain.graph.language import Blueprint
from tests.compiler.keras_json.architectures import ARCHITECTURES, form_of, original, weightless


def test_there_are_as_many_as_keras_has() -> None:
    assert len(ARCHITECTURES) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_plain_keras_loads_what_was_read_and_written(name: str) -> None:
    text, wanted = original(name)
    reading = read(text)
    assert reading.faults == []
    assert reading.definition is not None
    said = write(Blueprint(definition=reading.definition))
    assert said.faults == []
    with weightless():
        again = keras.models.model_from_json(json.dumps(said.keras_json))
        assert form_of(again) == wanted
