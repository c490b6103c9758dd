"""Keras's exceptions, read by somebody who knows no Python."""

import pytest

from compiler.model.keras_errors import plain


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
def test_python_is_left_out(text: str, wanted: str) -> None:
    assert plain(ValueError(text)).startswith(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "tuple index out of range",
        "not enough values to unpack",
        "'int' object has no attribute 'x'",
    ],
)
def test_a_fall_is_told_as_a_misfit(text: str) -> None:
    assert plain(TypeError(text)).startswith("An argument or a shape does not fit")
