"""Graphs of layers whose arguments differ from those of `layer_cases`, also with masks."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.compiler.graphs import graph, layer, node

IMAGE = [11, 9, 3]
VOLUME = [5, 4, 6, 2]
SEQUENCE = [None, 3]
Graph = dict[str, Any]


def one(shape: Sequence[int | None], kind: str, **config: Any) -> Graph:
    """Return the graph of one layer."""
    return graph({"x": shape}, [node("y", layer(kind, **config), "x")], ["y"])


def two(kind: str, *shapes: Sequence[int | None], call: dict[str, Any], **config: Any) -> Graph:
    """Return the graph of one layer that takes two tensors."""
    names = ["x0", "x1"]
    is_keyed = kind in ("MultiHeadAttention", "GroupQueryAttention")
    given: Any = dict(zip(("query", "value"), names, strict=True)) if is_keyed else names
    made = node("y", layer(kind, **config), given, **call)
    return graph(dict(zip(names, shapes, strict=True)), [made], ["y"])


def chain(shape: Sequence[int | None], *layers: dict[str, Any], dtype: str = "float32") -> Graph:
    """Return the graph of layers one after the other."""
    names = ["x", *(f"n{i}" for i in range(len(layers)))]
    nodes = [node(names[i + 1], made, names[i]) for i, made in enumerate(layers)]
    made = graph({}, nodes, [names[-1]])
    return made | {"inputs": [{"name": "x", "shape": shape, "dtype": dtype}]}


def by_config(
    shape: Sequence[int | None], kind: str, variants: list[dict[str, Any]], **common: Any
) -> dict[str, Graph]:
    """Return a graph for each config, by the type and the arguments that differ."""
    return {
        f"{kind}({', '.join(f'{k}={v}' for k, v in config.items())})": one(
            shape, kind, **common, **config
        )
        for config in variants
    }


_CONVOLUTIONAL = {
    **by_config(
        SEQUENCE,
        "Conv1D",
        [
            {"padding": "same", "strides": 2},
            {"padding": "same", "dilation_rate": 2},
            {"padding": "causal"},
            {"padding": "causal", "strides": 2},
            {"padding": "valid", "activation": "gelu"},
        ],
        filters=4,
        kernel_size=2,
    ),
    **by_config(
        IMAGE,
        "Conv2D",
        [
            {"padding": "same", "strides": 2},
            {"padding": "same", "dilation_rate": [2, 1]},
            {"padding": "valid", "strides": [3, 2]},
            {"padding": "same", "groups": 3},
        ],
        filters=6,
        kernel_size=[3, 2],
    ),
    **by_config(
        SEQUENCE, "Conv1DTranspose",
        [{"padding": "same", "strides": 2}, {"padding": "valid", "strides": 3}],
        filters=4, kernel_size=3,
    ),
    **by_config(
        IMAGE,
        "Conv2DTranspose",
        [
            {"padding": "valid", "strides": 2},
            {"padding": "same", "strides": 2, "output_padding": 1},
            {"padding": "valid", "strides": 3, "output_padding": 2},
        ],
        filters=4,
        kernel_size=3,
    ),
    **by_config(
        VOLUME, "Conv3D", [{"padding": "same", "strides": 2}, {"dilation_rate": 2}],
        filters=4, kernel_size=2,
    ),
    **by_config(
        VOLUME, "Conv3DTranspose", [{"padding": "same", "strides": 2}, {"padding": "valid"}],
        filters=3, kernel_size=2,
    ),
    **by_config(
        IMAGE,
        "DepthwiseConv2D",
        [{"padding": "same", "strides": 2}, {"padding": "valid", "strides": 3}],
        kernel_size=3,
    ),
    **by_config(
        IMAGE, "SeparableConv2D", [{"padding": "same", "strides": 2}], filters=4, kernel_size=3
    ),
}  # fmt: skip
_POOLING = {
    key: value
    for kind in ("Max", "Average")
    for size, shape in ((1, SEQUENCE), (2, IMAGE), (3, VOLUME))
    for key, value in by_config(
        shape, f"{kind}Pooling{size}D", [{"strides": 2}, {"strides": 1}, {"strides": 3}],
        pool_size=2 + (size < 3), padding="same",
    ).items()
}  # fmt: skip
_RECURRENT = {
    **by_config(
        SEQUENCE,
        "LSTM",
        [
            {"return_sequences": True},
            {"go_backwards": True, "return_sequences": True},
            {"activation": "relu"},
            {"recurrent_activation": "hard_sigmoid"},
            {"use_bias": False},
            {"unit_forget_bias": False, "activation": "sigmoid"},
        ],
        units=4,
    ),
    **by_config(
        SEQUENCE,
        "GRU",
        [
            {"return_sequences": True},
            {"reset_after": False},
            {"go_backwards": True},
            {"activation": "elu"},
            {"use_bias": False, "reset_after": True},
        ],
        units=4,
    ),
    **by_config(
        SEQUENCE, "SimpleRNN", [{"activation": "relu"}, {"return_sequences": True}], units=4
    ),
    **by_config(
        SEQUENCE,
        "Bidirectional",
        [{"merge_mode": mode} for mode in ("concat", "sum", "mul", "ave")],
        layer=layer("LSTM", units=3, return_sequences=True),
    ),
    **by_config(
        SEQUENCE, "Bidirectional", [{"layer": layer(kind, units=3)} for kind in ("LSTM", "GRU")]
    ),
    "LSTM(unroll)": one([4, 3], "LSTM", units=3, unroll=True),
    "ConvLSTM2D(same)": one(
        [3, 5, 4, 2], "ConvLSTM2D", filters=2, kernel_size=3, padding="same", return_sequences=True
    ),
}
_STEPS = {
    f"TimeDistributed({made['type']})": one(SEQUENCE, "TimeDistributed", layer=made)
    for made in (
        layer("Dense", units=2, activation="relu"),
        layer("BatchNormalization"),
        layer("Dropout", rate=0.5),
        layer("LayerNormalization"),
        layer("Softmax"),
    )
} | {
    f"TimeDistributed({made['type']}) of sequences": one(
        [None, 4, 3], "TimeDistributed", layer=made
    )
    for made in (
        layer("LSTM", units=2),
        layer("Conv1D", filters=2, kernel_size=2),
        layer("Flatten"),
        layer("GlobalMaxPooling1D"),
        layer("Bidirectional", layer=layer("GRU", units=2)),
    )
}
_ATTENTION = {
    "Attention(causal)": two(
        "Attention", [5, 4], [6, 4], call={"use_causal_mask": True}, use_scale=True
    ),
    "Attention(dot)": two("Attention", [None, 4], [None, 4], call={}),
    "AdditiveAttention": two("AdditiveAttention", [None, 4], [None, 4], call={}),
    "MultiHeadAttention": two(
        "MultiHeadAttention", [None, 4], [None, 4], call={}, num_heads=2, key_dim=3
    ),
    "MultiHeadAttention(causal)": two(
        "MultiHeadAttention", [None, 4], [None, 4], call={"use_causal_mask": True},
        num_heads=2, key_dim=3, use_bias=False,
    ),
    "GroupQueryAttention(causal)": two(
        "GroupQueryAttention", [None, 4], [None, 4], call={"use_causal_mask": True},
        head_dim=2, num_query_heads=2, num_key_value_heads=1,
    ),
}  # fmt: skip
_IMAGES = {
    **by_config(
        IMAGE,
        "Resizing",
        [
            *({"interpolation": i} for i in ("nearest", "bilinear", "bicubic", "lanczos3")),
            {"interpolation": "bilinear", "antialias": True},
            {"crop_to_aspect_ratio": True},
            {"pad_to_aspect_ratio": True},
        ],
        height=6,
        width=13,
    ),
    **by_config(
        [None, None, 3],
        "Resizing",
        [
            {"interpolation": "nearest"},
            {"interpolation": "bilinear"},
            {"crop_to_aspect_ratio": True},
            {"pad_to_aspect_ratio": True},
        ],
        height=4,
        width=3,
    ),
    **by_config(
        [None, None, 3],
        "UpSampling2D",
        [{"interpolation": i} for i in ("nearest", "bilinear", "bicubic")],
        size=[2, 3],
    ),
    **by_config(
        IMAGE, "UpSampling2D", [{"interpolation": i} for i in ("nearest", "bicubic")], size=2
    ),
}
_NORMALIZATION = {
    **by_config(IMAGE, "BatchNormalization", [{"axis": 1}, {"scale": False, "center": False}]),
    **by_config(IMAGE, "LayerNormalization", [{"axis": -1}, {"epsilon": 1e-6}]),
    **by_config(IMAGE, "GroupNormalization", [{"groups": 3}, {"groups": 1}]),
    **by_config([4, 5], "UnitNormalization", [{"axis": 1}, {"axis": [1, 2]}]),
    **by_config([4, 5], "Softmax", [{"axis": 1}, {"axis": -1}]),
    **by_config([4], "ReLU", [{"max_value": 6}, {"negative_slope": 0.2}, {"threshold": 1.0}]),
}
_EMBEDDING = layer("Embedding", input_dim=8, output_dim=4, mask_zero=True)
_MASKS = {
    f"{name} of masked steps": chain([None, 3], layer("Masking", mask_value=0.5), *made)
    for name, made in {
        "LSTM": [layer("LSTM", units=3)],
        "LSTM with zero output": [
            layer("LSTM", units=3, return_sequences=True, zero_output_for_mask=True)
        ],
        "GRU": [layer("GRU", units=3, return_sequences=True)],
        "SimpleRNN": [layer("SimpleRNN", units=3)],
        "Bidirectional": [layer("Bidirectional", layer=layer("LSTM", units=3))],
        "average": [layer("GlobalAveragePooling1D")],
        "dense steps": [layer("TimeDistributed", layer=layer("Dense", units=2))],
        "Dense": [layer("Dense", units=2)],
    }.items()
} | {
    f"{name} of embedded words": chain([None], _EMBEDDING, *made, dtype="int32")
    for name, made in {
        "LSTM": [layer("LSTM", units=3)],
        "average": [layer("GlobalAveragePooling1D")],
        "maximum": [layer("GlobalMaxPooling1D")],
        "convolution": [
            layer("Conv1D", filters=2, kernel_size=2, padding="same"),
            layer("GlobalMaxPooling1D"),
        ],
    }.items()
}
_OTHERS = {
    **by_config([6], "Discretization", [{"output_mode": "int"}], bin_boundaries=[-1.0, 0.0, 2.5]),
    **by_config(
        [3],
        "CategoryEncoding",
        [{"output_mode": "one_hot"}, {"output_mode": "multi_hot"}],
        num_tokens=5,
    ),
    **by_config(
        SEQUENCE, "Normalization", [{"invert": True}], mean=[0.5, 1, 2], variance=[1, 2, 3]
    ),
    **by_config(SEQUENCE, "Cropping1D", [{"cropping": [0, 0]}]),
    **by_config(SEQUENCE, "UpSampling1D", [{"size": 3}]),
    **by_config(SEQUENCE, "ZeroPadding1D", [{"padding": 2}]),
    **by_config(SEQUENCE, "GlobalAveragePooling1D", [{"keepdims": True}]),
    "Dot": two("Dot", [None, 4], [None, 4], call={}, axes=2),
    "Concatenate(axis=1)": two("Concatenate", [None, 4], [None, 4], call={}, axis=1),
    "Permute(unknown)": one([None, 3], "Permute", dims=[2, 1]),
    "Reshape(unknown)": one([None, 4], "Reshape", target_shape=[-1, 2]),
    "mixed_float16": one([4], "Dense", units=3, dtype="mixed_float16"),
    "mixed_bfloat16": one([4], "Dense", units=3, dtype="mixed_bfloat16"),
    "float16": one([4], "Dense", units=3, dtype="float16"),
    "float64": one([4], "Dense", units=3, dtype="float64"),
}
VARIANTS: Mapping[str, Graph] = {
    **_CONVOLUTIONAL,
    **_POOLING,
    **_RECURRENT,
    **_STEPS,
    **_ATTENTION,
    **_IMAGES,
    **_NORMALIZATION,
    **_MASKS,
    **_OTHERS,
}
