"""Names, arguments and values of Keras 2 that Keras 3 renamed or removed."""

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
"""Layer types of Keras 2, and the types of Keras 3 that compute the same."""

_UNROLLED = "Keras 3 has no layer whose weights differ from place to place."
_OPERATION = "Keras 3 has no layer for an operation of TensorFlow's; write a node with an `op`."
REMOVED: Mapping[str, str] = MappingProxyType(
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
"""Layer types of Keras 2 without an equivalent in Keras 3, and why."""

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
"""Arguments that a layer type implies and its config omits."""


def current_name(kind: str, argument: str) -> str:
    """Return Keras 3's name of a layer's argument."""
    return _RENAMED.get((kind, argument), argument)


def current_value(kind: str, argument: str, value: Any) -> Any:
    """Return Keras 3's form of an argument's value."""
    if (kind, argument, value) == ("Normalization", "axis", []):
        return None  # Keras writes the list that it derived from null
    return _renamed_value(argument, value)


def _renamed_value(argument: str, value: Any) -> Any:
    if argument == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]
    return _REPLACED.get((argument, value), value) if isinstance(value, str) else value


def implied_arguments(kind: str) -> Mapping[str, Any]:
    """Return the arguments that a layer type of Keras 2 implies.

    Other omitted arguments take the defaults of Keras 3, as in Keras's own loader.
    """
    return _ADDED.get(kind, {})


def current_component_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of an initializer, regularizer or constraint in Keras 3's form."""
    return {n: _renamed_value(n, v) for n, v in config.items() if n not in ("dtype", "name")}
