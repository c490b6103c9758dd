"""Arguments in Keras's JSON mean what they mean to Keras's loader, or are refused."""

import json
from typing import Any

import keras
import numpy as np
import pytest

from tests.compiler.keras_json.restored import find_faults, read_graph_json, restore

MISSPELT = [
    ("Dense", {"units": 2, "use_bais": False}, "use_bais", "Did you mean 'use_bias'?"),
    ("Dense", {"units": 2, "bias_regulariser": None}, "bias_regulariser", "'bias_regularizer'"),
    ("Dense", {"units": 2, "time_major": False}, "time_major", "no argument 'time_major'"),
    ("Dense", {"units": 2, "safe_mode": None}, "safe_mode", "no argument 'safe_mode'"),
    ("LSTM", {"units": 2, "return_sequence": False}, "return_sequence", "'return_sequences'"),
    ("LSTM", {"units": 2, "time_major": True}, "time_major", "no argument 'time_major'"),
    ("BatchNormalization", {"virtual_batch_size": 4}, "virtual_batch_size", "no argument"),
    ("BatchNormalization", {"mode": 0.0}, "mode", "no argument 'mode'"),
    ("Attention", {"causal": True}, "causal", "no argument 'causal'"),
    ("LayerNormalization", {"rms_scaling": True}, "rms_scaling", "no argument 'rms_scaling'"),
    ("Dense", {"units": 2, "dynamic": True}, "dynamic", "no argument 'dynamic'"),
]


def write_sequential(kind: str, config: Any, **about: Any) -> Any:
    """Return the JSON of a model of one layer."""
    configs = {"InputLayer": {"batch_shape": [None, 3, 4]}, kind: config}
    listed = [
        {"module": "keras.layers", "class_name": name, "config": {"name": name.lower(), **own}}
        for name, own in configs.items()
    ]
    model = {"name": "model", "layers": listed, **about}
    return {"module": "keras", "class_name": "Sequential", "config": model}


def read_layer(document: Any) -> Any:
    (node,) = read_graph_json(document)["nodes"]
    return node["layer"]


@pytest.mark.parametrize(("kind", "config", "argument", "words"), MISSPELT)
def test_argument_that_no_keras_version_wrote_is_refused(
    kind: str, config: Any, argument: str, words: str
) -> None:
    found = find_faults(write_sequential(kind, config))
    assert words in found[f"/config/layers/1/config/{argument}"]


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("LSTM", {"units": 2, "time_major": False, "implementation": 2}),
        ("BatchNormalization", {"renorm": False, "fused": True, "virtual_batch_size": None}),
        ("SpatialDropout1D", {"rate": 0.5, "noise_shape": None, "trainable": True}),
        ("Conv1DTranspose", {"filters": 2, "kernel_size": 1, "groups": 1, "dynamic": False}),
        ("Cropping1D", {"cropping": 1, "data_format": "channels_last"}),
        ("Dense", {"units": 2, "quantization_config": None}),
    ],
)
def test_obsolete_arguments_with_default_values_are_dropped(kind: str, config: Any) -> None:
    first, *_ = config.items() if kind != "BatchNormalization" else [("axis", -1)]
    expected = {} if kind == "BatchNormalization" else dict([first])
    found = read_layer(write_sequential(kind, config)).get("config", {})
    assert found.keys() <= {*expected, "kernel_size"}


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("Normalization", {"axis": None, "mean": 1.0, "variance": 4.0}),
        ("Normalization", {"axis": [], "mean": 1.0, "variance": 4.0}),
        ("Normalization", {"axis": [1, 2]}),
        ("GRU", {"units": 2}),
        ("GRU", {"units": 2, "reset_after": False}),
        ("Dense", {"units": 2, "dtype": "float16"}),
    ],
)
def test_layer_equals_the_one_that_keras_loads(kind: str, config: Any) -> None:
    document = write_sequential(kind, config)
    ours, theirs = restore(document).model, keras.models.model_from_json(json.dumps(document))
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    rows = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    (got,), wanted = ours(rows).values(), theirs(rows)
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


@pytest.mark.parametrize("dtype", [None, "int64", "float32"])
def test_hashed_crossing_keeps_its_dtype(dtype: str | None) -> None:
    left, right = (keras.Input((1,), dtype="int32", name=name) for name in ("left", "right"))
    crossed = keras.layers.HashedCrossing(5, dtype=dtype)([left, right])
    text = keras.Model([left, right], crossed).to_json()
    wanted = keras.models.model_from_json(text).output.dtype
    assert restore(text).model.outputs[0].dtype == wanted


@pytest.mark.parametrize("is_trainable", [True, False])
def test_trainable_of_a_sequential_model_is_ignored(
    is_trainable: bool,
) -> None:
    document = write_sequential("Dense", {"units": 2, "trainable": is_trainable}, trainable=False)
    theirs = keras.models.model_from_json(json.dumps(document))
    ours = restore(document).model
    assert len(ours.trainable_weights) == len(theirs.trainable_weights) == 2 * is_trainable
