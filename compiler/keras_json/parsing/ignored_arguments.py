"""Arguments that some version of Keras writes and that the layers of Keras 3 do not accept.

The source is `get_config` of Keras 2.3 to 2.15 and 3.0 to 3.15. Every other unknown argument is
a fault.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_ANY = object()
"""Stands for every value: the layer computes the same with each."""
_NONE = (None,)
_FALSE = (None, False)
_Allowed = Mapping[str, Any]

_EVERYWHERE: _Allowed = {
    "batch_input_shape": _ANY, "batch_shape": _ANY, "input_shape": _ANY, "input_dtype": _ANY,
    "input_dim": _ANY, "dynamic": _FALSE, "trainable": (None, True), "autocast": (None, True),
    "dtype": (None, "float32"), "activity_regularizer": _NONE,
}  # fmt: skip
_CELL: _Allowed = {"implementation": _ANY, "consume_less": _ANY}
_RECURRENT: _Allowed = {**_CELL, "time_major": _FALSE, "input_length": _ANY, "unroll": _FALSE,
                        "num_constants": _NONE, "zero_output_for_mask": _FALSE}  # fmt: skip
_QUANTIZED: _Allowed = {
    "quantization_config": _NONE, "gptq_unpacked_column_size": _NONE, "quantization_mode": _NONE,
}  # fmt: skip
_CONVOLUTION: _Allowed = {"lora_rank": _NONE, "lora_alpha": _NONE, "groups": (None, 1)}
_SEPARABLE: _Allowed = {**_CONVOLUTION, "kernel_initializer": _ANY, "kernel_regularizer": _ANY,
                        "kernel_constraint": _ANY}  # fmt: skip
_BATCH: _Allowed = {"fused": _ANY, "renorm": _FALSE, "renorm_clipping": _NONE, "mode": (0,),
                    "virtual_batch_size": _NONE, "adjustment": _NONE}  # fmt: skip
_LAST: _Allowed = {"data_format": (None, "channels_last")}
_LOOKUP: _Allowed = {"vocabulary_size": _ANY, "has_input_vocabulary": _ANY,
                     "oov_method": ("floormod",)}  # fmt: skip
_QUERIES: _Allowed = {"query_shape": _ANY, "key_shape": _ANY, "value_shape": _ANY}


def _each(types: str, allowed: _Allowed) -> dict[str, _Allowed]:
    return dict.fromkeys(types.split(), allowed)


_BY_TYPE: Mapping[str, _Allowed] = MappingProxyType(
    {
        **_each("SimpleRNNCell GRUCell LSTMCell StackedRNNCells", _CELL),
        **_each("RNN SimpleRNN GRU LSTM UnifiedGRU UnifiedLSTM CuDNNGRU CuDNNLSTM Bidirectional",
                _RECURRENT),
        **_each("ConvLSTM1D ConvLSTM2D ConvLSTM3D", _RECURRENT),
        **_each("Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose",
                _CONVOLUTION),
        **_each("SeparableConv1D SeparableConv2D", _SEPARABLE),
        **_each("DepthwiseConv1D DepthwiseConv2D", {**_SEPARABLE, "filters": _ANY}),
        **_each("BatchNormalization BatchNormalizationV1 BatchNormalizationV2", _BATCH),
        "SyncBatchNormalization": _BATCH,
        **_each("Cropping1D UpSampling1D AutoContrast MaxNumBoundingBoxes", _LAST),
        **_each("RandomBrightness RandomContrast Solarization", _LAST),
        **_each("SpatialDropout1D SpatialDropout2D SpatialDropout3D", {"noise_shape": _NONE}),
        "Attention": {"causal": _FALSE},
        "AdditiveAttention": {"causal": _FALSE, "seed": _NONE},
        **_each("IntegerLookup TextVectorization", _LOOKUP),
        "StringLookup": {**_LOOKUP, "vocabulary_dtype": (None, "string")},
        **_each("Dense EinsumDense", _QUANTIZED),
        "Embedding": {**_QUANTIZED, "input_length": _ANY},
        "ReversibleEmbedding": {**_QUANTIZED, "lora_rank": _NONE, "lora_alpha": _NONE},
        "LayerNormalization": {"rms_scaling": _FALSE},
        "MultiHeadAttention": _QUERIES,
        "RandomRotation": {"value_range": _ANY},
    }
)  # fmt: skip


def is_ignorable(kind: str, argument: str, value: Any) -> bool:
    """Whether an argument that the layer does not accept has no effect.

    Args:
        kind: The layer's type as written in the document.
        argument: The argument's name as written in the document.
        value: The argument's value.
    """
    allowed = _BY_TYPE.get(kind, {}).get(argument, _EVERYWHERE.get(argument, ()))
    return allowed is _ANY or any(value is one or _equal(value, one) for one in allowed)


def _equal(value: Any, one: Any) -> bool:
    """Compare as JSON does: 0 is not false."""
    return type(value) is type(one) and bool(value == one)
