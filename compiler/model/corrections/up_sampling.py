"""Corrects `UpSampling2D` for images of unknown size, which Keras cannot interpolate in a graph."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from compiler.keras_private import resize_images

Method = Callable[..., Any]


def correct_resize(own: Method) -> Method:
    """Return a method that calls Keras's own one unless it must interpolate an unknown size.

    Args:
        own: The method of Keras's `UpSampling2D` that resizes images.
    """

    def resize(
        self: Any,
        images: Any,
        height_factor: int,
        width_factor: int,
        data_format: str,
        interpolation: str = "nearest",
    ) -> Any:
        if interpolation == "nearest" or None not in images.shape[1:]:
            return own(self, images, height_factor, width_factor, data_format, interpolation)
        if data_format == "channels_first":
            images = tf.transpose(images, [0, 2, 3, 1])
        lengths = tf.shape(images)
        size = (lengths[1] * height_factor, lengths[2] * width_factor)
        resized = resize_images(images, size, interpolation)
        return tf.transpose(resized, [0, 3, 1, 2]) if data_format == "channels_first" else resized

    return resize
