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
    "SyncBatchNormalization": {"synchronized": True},
}
"""What a type says, and its config does not."""


def current_name(kind: str, argument: str) -> str:
    """What Keras 3 calls an argument of a layer."""
    return _RENAMED.get((kind, argument), argument)


def current_value(kind: str, argument: str, value: Any) -> Any:
    """What Keras 3 calls a value of a layer's argument."""
    if (kind, argument, value) == ("Normalization", "axis", []):
        return None  # Keras writes what it made of null
    return _renamed_value(argument, value)


def _renamed_value(argument: str, value: Any) -> Any:
    if argument == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]
    return _REPLACED.get((argument, value), value) if isinstance(value, str) else value


def unsaid(kind: str) -> Mapping[str, Any]:
    """Arguments that a type of Keras 2 stands for.

    What a config leaves out otherwise is what Keras 3 takes by default, as in Keras's own loader.
    """
    return _ADDED.get(kind, {})


def part_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of an initializer, regularizer or constraint as Keras 3 writes it."""
    return {n: _renamed_value(n, v) for n, v in config.items() if n not in ("dtype", "name")}
