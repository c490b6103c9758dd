"""Calls of operations with other arguments than those of `op_samples`, by row."""

from typing import Any

from tests.compiler.op_samples import Sample, Tensor, f, fixed, i

_ROW = {"x": f(4)}
_MATRIX = {"x": f(3, 4)}
_IMAGE = {"images": f(7, 5, 3)}
_REDUCTIONS = """
    all amax amin any argmax argmin average count_nonzero cumprod cumsum logsumexp max mean median
    min nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod nanstd
    nansum nanvar norm prod ptp std sum var
"""
_ALONG = "argsort flip log_softmax normalize rms_normalization softmax sort sparsemax"


def along(names: str, **config: Any) -> list[Sample]:
    """Return a call of each operation on matrices."""
    return [Sample(name, _MATRIX, config) for name in names.split()]


def vary(op: str, inputs: Any, *configs: dict[str, Any], **common: Any) -> list[Sample]:
    """Return a call with each config."""
    return [Sample(op, inputs, common | config) for config in configs]


_MATH = [
    *along(_REDUCTIONS, axis=1),
    *along(_REDUCTIONS, axis=-1),
    *along("amax any max mean min prod std sum var", axis=[1, 2], keepdims=True),
    *along(_ALONG, axis=1),
    *vary("norm", _MATRIX, {"ord": 1}, {"ord": 3}, {"ord": "inf"}, axis=1),
    *vary("norm", _MATRIX, {"ord": "fro"}, {"ord": "nuc"}, {"ord": 2}, axis=[1, 2]),
    *vary("normalize", _MATRIX, {"order": 1}, {"order": 3}),
    *vary("quantile", _MATRIX, *({"method": m} for m in ("lower", "higher", "nearest", "midpoint")),
          q=[0.25, 0.6], axis=1),
    *vary("average", _MATRIX, {"weights": [1.0, 2.0, 3.0]}, axis=1),
    *vary("round", _ROW, {"decimals": 1}, {"decimals": -1}),
    *vary("clip", _ROW, {"x_min": -2, "x_max": 3}, {"x_min": 1, "x_max": -1}),
    *vary("isclose", {"x1": f(4)}, {"x2": 1.0, "equal_nan": True}),
    *vary("nan_to_num", _ROW, {"nan": 1.5, "posinf": 7.0, "neginf": -7.0}),
    *vary("cross", {"x1": f(3), "x2": f(3)}, {"axis": -1}),
    *vary("diff", {"a": f(5)}, {"n": 2}),
    *vary("vander", {"x": f()}, {"N": 4, "increasing": True}),
    *vary("searchsorted", {"values": f()}, {"side": "right"}, sorted_sequence=[0.1, 0.5]),
    *vary("power", {"x1": f(4)}, *({"x2": v} for v in (2, 0.5, -1, 3, 0))),
    *vary("floor_divide", {"x1": f(4)}, {"x2": 2}, {"x2": -3}, {"x2": 0}),
    *vary("mod", {"x1": f(4)}, {"x2": 3}, {"x2": -3}),
    *vary("true_divide", {"x1": f(4)}, {"x2": 3}, {"x2": 0}),
    *vary("equal", {"x1": f(4)}, {"x2": 2**24 + 1}, {"x2": 0.1}),
    *vary("logical_and", {"x1": f(4), "x2": f(4)}, {}),
    *vary("einsum", {"operands": [f(3, 4), f(4, 2)]}, {"subscripts": "bIj,bjK->bIK"}),
    *vary("einsum", {"operands": [f(3, 3)]}, {"subscripts": "bii->bi"}, {"subscripts": "bij->bji"}),
    *vary("einsum", {"operands": [f(3, 4), f(3, 4)]}, {"subscripts": "bij,bij->b"},
          {"subscripts": "baA,baA->baA"}),
    *vary("matmul", {"x1": f(3, 4), "x2": f(4)}, {}),
    *vary("segment_sum", {"data": f(4), "segment_ids": i()}, {"sorted": False}, num_segments=3),
]  # fmt: skip
_ACTIVATIONS = [
    *vary("gelu", _ROW, {"approximate": False}),
    *vary("glu", _MATRIX, {"axis": 2}),
    *vary("leaky_relu", _ROW, {"negative_slope": -0.5}, {"negative_slope": 1.5}),
    *vary("elu", _ROW, {"alpha": 0.3}),
    *vary("celu", _ROW, {"alpha": 0.5}, {"alpha": 2.0}),
    *vary("hard_shrink", _ROW, {"threshold": 1.5}),
    *vary("softmax", _MATRIX, {"axis": [1, 2]}),
    *vary("squareplus", _ROW, {"b": 1}),
    *vary("threshold", _ROW, {"threshold": -1.0, "default_value": 9.0}),
]
_SHAPES = [
    *vary("pad", _MATRIX, *({"mode": mode} for mode in ("reflect", "symmetric")),
          pad_width=[[0, 0], [1, 1], [2, 0]]),
    *vary("pad", _MATRIX, {"constant_values": -1}, pad_width=[[0, 0], [1, 1], [0, 2]]),
    *vary("get_item", {"x": f(4, 5)}, {"key": [":", "::-1"]}, {"key": [":", "1::2", -1]},
          {"key": [":", "...", "-3:-1"]}, {"key": ["...", None, 0]}, {"key": [":", "3:0:-2"]}),
    *vary("take", _MATRIX, {"indices": [[0, -1], [1, 1]]}, axis=2),
    *vary("roll", _MATRIX, {"shift": -5, "axis": 2}, {"shift": [1, 2], "axis": [1, 2]}),
    *vary("rot90", {"array": f(3, 4)}, {"k": 2}, {"k": 3}, {"k": -1}, axes=[1, 2]),
    *vary("flip", _MATRIX, {"axis": [1, 2]}),
    *vary("tril", {"x": f(3, 3)}, {"k": 1}, {"k": -1}),
    *vary("triu", {"x": f(3, 3)}, {"k": 1}, {"k": -1}),
    *vary("diagonal", {"x": f(3, 3)}, {"offset": 1}, axis1=1, axis2=2),
    *vary("repeat", _MATRIX, {"repeats": 3, "axis": 2}),
    *vary("expand_dims", _MATRIX, {"axis": 1}),
    *vary("concatenate", {"xs": [f(2, 3), f(2, 4)]}, {"axis": 2}),
    *vary("one_hot", {"x": i(4)}, {"axis": 1}, {"dtype": "int32"}, num_classes=3),
    *vary("multi_hot", {"inputs": i(4)}, {"dtype": "float32"}, num_classes=3),
    *vary("top_k", _MATRIX, {"sorted": False}, k=2),
    *vary("cast", _ROW, *({"dtype": name} for name in ("float16", "float64", "int64", "bool",
                                                       "uint8", "int8"))),
    *vary("transpose", _MATRIX, {"axes": [0, 2, 1]}),
    *vary("unfold", {"x": f(2, 5, 5)}, {"stride": 2}, {"padding": 1}, {"dilation": 2},
          kernel_size=2),
]  # fmt: skip
_NETWORKS = [
    *vary("max_pool", {"inputs": f(7, 5, 2)}, {"strides": 2}, {"strides": [1, 2]},
          pool_size=[3, 2], padding="same"),
    *vary("average_pool", {"inputs": f(7, 5, 2)}, {"strides": 2}, {"strides": [1, 2]},
          pool_size=[3, 2], padding="same"),
    *vary("max_pool", {"inputs": f(7, 5, 2)}, {"padding": "valid"}, pool_size=3, strides=2),
    *vary("conv", {"inputs": f(7, 1)}, {"strides": 2, "padding": "same"},
          {"dilation_rate": 2}, kernel=[[[1.0, 2.0]], [[0.5, 1.0]]]),
    *vary("dot_product_attention", {"query": f(3, 2, 4), "key": f(3, 2, 4), "value": f(3, 2, 4)},
          {"scale": 0.5}, {"attn_logits_soft_cap": 2.0}),
    Sample("moments", _MATRIX, {"axes": [1, 2], "keepdims": True}),
    Sample("dot_product_attention", {
        "query": f(3, 2, 4), "key": f(3, 2, 4), "value": f(3, 2, 4),
        "mask": Tensor((2, 3, 3), "bool"),
    }),
]  # fmt: skip
_IMAGES = [
    *vary("image.resize", _IMAGE,
          *({"interpolation": name, "antialias": smooth}
            for name in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
            for smooth in (False, True)),
          {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}, size=[4, 9]),
    *vary("image.resize", _IMAGE, {"size": [3, 10]}, {"size": [14, 15]}, interpolation="nearest"),
    *vary("image.affine_transform", _IMAGE,
          *({"fill_mode": mode} for mode in ("constant", "nearest", "wrap", "mirror", "reflect")),
          {"interpolation": "nearest"}, transform=[1.0, 0.2, 1.5, 0.1, 0.9, 1.0, 0, 0]),
    *vary("image.extract_patches", _IMAGE, {"strides": 1}, {"padding": "same"},
          {"dilation_rate": 2, "strides": 1}, size=2),
    *vary("image.map_coordinates", {"inputs": fixed(4, 4)}, {"fill_mode": "wrap"},
          coordinates=[[0.0, 1.0], [0.5, 0.0], [1.0, 1.5]], order=0),
]  # fmt: skip
VARIANTS = [*_MATH, *_ACTIVATIONS, *_SHAPES, *_NETWORKS, *_IMAGES]
