"""Replaces methods of Keras's layers by corrected ones."""

from functools import cache

import keras

from compiler.keras_private import set_resize_method
from compiler.model.corrections.time_distributed import correct_call
from compiler.model.corrections.up_sampling import correct_resize


@cache
def correct_layers() -> None:
    """Correct Keras's layers in this process; later calls do nothing.

    Keras's own methods still compute what they compute correctly: calls with known lengths.
    """
    wrapper, scaling = keras.layers.TimeDistributed, keras.layers.UpSampling2D
    wrapper.call = correct_call(wrapper.call)
    set_resize_method(scaling, correct_resize)
