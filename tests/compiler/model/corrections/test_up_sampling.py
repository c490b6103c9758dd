"""`UpSampling2D` interpolates images of unknown size."""

from typing import Any

import keras
import numpy as np
import pytest

from compiler.inference.forward import make_forward
from tests.compiler.graphs import build_graph, graph, layer, node


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_images_of_unknown_size_are_enlarged_as_by_keras(
    interpolation: str, data_format: str
) -> None:
    config = {"size": [2, 3], "interpolation": interpolation, "data_format": data_format}
    shape: Any = [None, None, 1] if data_format == "channels_last" else [1, None, None]
    made = build_graph(
        graph({"x": shape}, [node("y", layer("UpSampling2D", **config), "x")], ["y"])
    )
    images = np.random.default_rng(0).random((2, 3, 4, 1)).astype(np.float32)
    if data_format == "channels_first":
        images = images.transpose(0, 3, 1, 2)
    found = make_forward(made.model)([images])["y"]
    wanted = np.asarray(keras.layers.UpSampling2D(**config)(images))
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
