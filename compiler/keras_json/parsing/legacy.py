"""What Keras 2 called otherwise, or wrote into configs and Keras 3 no longer knows."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "BatchNormalizationV1": "BatchNormalization",
        "BatchNormalizationV2": "BatchNormalization",
        "SyncBatchNormalization": "BatchNormalization",
        "UnifiedLSTM": "LSTM",
        "UnifiedGRU": "GRU",
        "CuDNNLSTM": "LSTM",
        "CuDNNGRU": "GRU",
        "ThresholdedReLU": "ReLU",
    }
)
"""Types of Keras 2, to those of Keras 3 that compute the same."""

_UNROLLED = "Keras 3 has no layer whose weights differ from place to place."
_OPERATION = "Keras 3 has no layer for an operation of TensorFlow's; write a node with an `op`."
GONE: Mapping[str, str] = MappingProxyType(
    {
        "LocallyConnected1D": _UNROLLED,
        "LocallyConnected2D": _UNROLLED,
        "TensorFlowOpLayer": _OPERATION,
        "ClassMethod": _OPERATION,
        "InstanceMethod": _OPERATION,
        "InstanceProperty": _OPERATION,
        "DenseFeatures": "Keras 3 has no feature columns.",
        "PeepholeLSTMCell": "Keras 3 has no peephole cells.",
        "MaxoutDense": "Keras has no such layer since version 2.",
        "Highway": "Keras has no such layer since version 2.",
        "Merge": "Keras has no such layer since version 2; there are Add, Concatenate and others.",
    }
)
"""Types of Keras 2 that nothing in Keras 3 is equal to."""

_SAYING_NOTHING = """
    batch_input_shape batch_shape input_shape input_dtype input_length input_dim implementation
    consume_less fused query_shape key_shape value_shape registered_name shared_object_id
    build_config compile_config num_inbound_nodes experimental_autocast vocabulary_size
"""
_MEANINGLESS = frozenset(_SAYING_NOTHING.split())
"""Arguments that say nothing of what a layer computes, or nothing that its input does not."""
_NEUTRAL = {"mode": 0, "trainable": True, "autocast": True, "dtype": "float32",
            "data_format": "channels_last", "oov_method": "floormod", "groups": 1}  # fmt: skip
"""Arguments that some layers do not take, with the values that ask for nothing."""
_KERNEL = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
_IGNORED = {
    "SeparableConv1D": _KERNEL,
    "SeparableConv2D": _KERNEL,
    "DepthwiseConv1D": (*_KERNEL, "filters"),
    "DepthwiseConv2D": (*_KERNEL, "filters"),
}
"""Arguments that these layers of Keras 2 inherited and never used."""
_RENAMED = {
    ("LeakyReLU", "alpha"): "negative_slope",
    ("ThresholdedReLU", "theta"): "threshold",
    ("CategoryEncoding", "max_tokens"): "num_tokens",
}
_REPLACED = {
    ("output_mode", "binary"): "multi_hot",
    ("output_mode", "tf-idf"): "tf_idf",
    ("distribution", "normal"): "truncated_normal",
}
_ADDED: dict[str, dict[str, Any]] = {
    "GRU": {"reset_after": False},
    "GRUCell": {"reset_after": False},
    "CuDNNGRU": {"reset_after": True},
    "SyncBatchNormalization": {"synchronized": True},
}
"""What was the case where a config does not say so."""


def current_name(kind: str, argument: str) -> str:
    """What Keras 3 calls an argument of a layer."""
    return _RENAMED.get((kind, argument), argument)


def current_value(argument: str, value: Any) -> Any:
    """What Keras 3 calls a value of an argument."""
    if argument == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]
    return _REPLACED.get((argument, value), value) if isinstance(value, str) else value


def unsaid(kind: str) -> Mapping[str, Any]:
    """Arguments that the oldest configs of a layer leave out, as they were then."""
    return _ADDED.get(kind, {})


def says_nothing(kind: str, argument: str, value: Any) -> bool:
    """Whether an argument that a layer does not take may be left out."""
    if argument == "safe_mode":  # means to turn off the guard of Keras's loader
        return False
    if value is None or value is False or argument in _MEANINGLESS:
        return True
    if argument in _IGNORED.get(kind, ()):
        return True
    return argument in _NEUTRAL and value == _NEUTRAL[argument]


def part_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of an initializer, regularizer or constraint as Keras 3 writes it."""
    return {n: current_value(n, v) for n, v in config.items() if n not in ("dtype", "name")}
