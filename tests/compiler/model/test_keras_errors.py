"""Exceptions of Keras become faults; exceptions of our own code stay internal errors."""

import logging
from typing import Any

import keras
import pytest
import tensorflow as tf

from compiler.model import graph_pass
from compiler.model.keras_errors import catch_keras_errors, explain, locate_keras_errors
from compiler.model.refusals import Refusal, locate_refusals
from domain.errors import Invalid
from tests.compiler.graphs import build_graph, graph, layer, node


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Got <KerasTensor shape=(None, 4), dtype=int32, name=x>.", "Got int32 (None, 4)."),
        ("Got <tf.Tensor 'a/b:0' shape=(2,) dtype=bool>.", "Got bool (2,)."),
        ('Got Tensor("Placeholder:0", shape=(None, 4), dtype=float32).', "Got float32 (None, 4)."),
        ("Got KerasTensor(shape=(1,), dtype=int32).", "Got int32 (1,)."),
        ("Got <class 'keras.src.layers.core.dense.Dense'>.", "Got Dense."),
        ("Got <Dense name=a, built=False>.", "Got Dense."),
        ("Why: Exception encountered when calling A.call().\n\n\x1b[1mThis.\x1b[0m", "Why: This."),
        ("{{function_node __wrapped__X_device_/job:a}} No. [Op:X]", "No."),
        (
            "Using a symbolic `tf.Tensor` as a Python `bool` is not allowed.\nA",
            "this needs lengths",
        ),
    ],
)
def test_texts_leave_python_out(text: str, wanted: str) -> None:
    assert explain(ValueError(text)).startswith(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "tuple index out of range",
        "not enough values to unpack",
        "'int' object has no attribute 'x'",
    ],
)
def test_python_error_inside_keras_is_explained_as_a_misfit(text: str) -> None:
    assert explain(TypeError(text)).startswith("An argument or a shape does not fit")


def test_refusal_and_keras_error_become_faults() -> None:
    with pytest.raises(Invalid) as refusal, locate_refusals(("nodes", 1)):
        raise Refusal("No.")
    assert [(f.pointer, f.detail) for f in refusal.value.faults] == [("/nodes/1", "No.")]
    with (
        pytest.raises(Invalid) as refusal,
        locate_keras_errors(("a",), lambda text: ("b",) if "No" in text else ()),
    ):
        raise ValueError("No.")
    assert [(f.pointer, f.detail) for f in refusal.value.faults] == [("/a/b", "No.")]


def test_error_of_our_own_code_is_no_fault() -> None:
    with pytest.raises(AttributeError), locate_refusals(()):
        raise AttributeError("'int' object has no attribute 'shape'")


def test_bug_in_a_guard_is_no_fault_of_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise AttributeError("'int' object has no attribute 'shape'")

    monkeypatch.setattr(graph_pass, "refuse_lengths", broken)
    definition = graph({"x": [4]}, [node("d", layer("Dense", units=2), "x")], ["d"])
    with pytest.raises(AttributeError):
        build_graph(definition)


def test_attribute_error_inside_keras_is_a_fault_of_the_node(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(AttributeError):
        keras.layers.Embedding(2, 2)([keras.Input((4,)), keras.Input((4,))])
    calls = [node("n", layer("Embedding", input_dim=2, output_dim=2), ["x", "y"])]
    definition = graph({"x": [4], "y": [4]}, calls, ["n"])
    with pytest.raises(Invalid) as refusal:
        build_graph(definition)
    (fault,) = refusal.value.faults
    assert fault.pointer == "/nodes/0"
    assert fault.detail.startswith("An argument or a shape does not fit")
    assert caplog.records == []


def test_lack_of_memory_is_no_fault() -> None:
    with pytest.raises(MemoryError), locate_keras_errors(()):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")


def test_unexpected_exception_of_keras_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(Refusal), catch_keras_errors():
        raise ValueError("Keras refuses this on purpose.")
    assert caplog.records == []
    with caplog.at_level(logging.WARNING), pytest.raises(Refusal), catch_keras_errors():
        raise KeyError("x")
    (record,) = caplog.records
    assert "KeyError" in record.getMessage()
    assert record.exc_info is not None
