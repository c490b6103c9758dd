"""One example call of every operation: its tensors and its constants."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np


class Tensor(NamedTuple):
    """A tensor that an example call takes."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    rows: int | None = None
    """The number of rows if the operation takes no unknown number; else None."""
    value: int | None = None
    """The value of all its elements; None means random numbers."""

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape with the axis of the rows."""
        return (self.rows, *self.shape)

    def array(self, random: np.random.Generator) -> Any:
        """Make an array of two rows: floats from 0.1 to 0.9, or the whole numbers 1 and 2."""
        shape = (2, *self.shape)
        if self.value is not None:
            return np.full(shape, self.value, self.dtype)
        if self.dtype == "float32":
            return random.uniform(0.1, 0.9, shape).astype(self.dtype)
        return random.integers(1, 3, shape).astype(self.dtype)


class Sample(NamedTuple):
    """One call: tensors by parameter, constants by parameter."""

    op: str
    inputs: Mapping[str, Tensor | list[Tensor]]
    config: Mapping[str, Any] = {}


def f(*shape: int) -> Tensor:
    return Tensor(shape)


def i(*shape: int, value: int | None = None) -> Tensor:
    return Tensor(shape, "int32", value=value)


def fixed(*shape: int, dtype: str = "float32") -> Tensor:
    return Tensor(shape, dtype, rows=2)


_ROW = {"x": f(4)}
_INDICES = {"x": i(4)}
_PAIR = {"x1": f(4), "x2": f(4)}
_IMAGE = {"images": f(6, 6, 3)}
_SEQUENCE = {"inputs": f(6, 1)}
_KERNEL = [[[1.0, 2.0]], [[0.5, 1.0]]]
_STFT = {"sequence_length": 8, "sequence_stride": 4, "fft_length": 8}
_CORNERS = [[0.0, 0.0], [0.0, 5.0], [5.0, 0.0], [5.0, 5.0]]

_OF_ONE = """
    abs absolute amax amin angle arccos arccosh arcsin arcsinh arctan arctanh argmax argmin argsort
    array average cbrt ceil celu conj conjugate convert_to_tensor copy cos cosh count_nonzero
    cumprod cumsum deg2rad diag diagflat elu erf erfc erfinv exp exp2 expm1 fabs flip
    fliplr flipud floor gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh i0 imag
    isfinite isinf isnan isneginf isposinf isreal layer_normalization leaky_relu log log10 log1p
    log2 log_sigmoid log_softmax logical_not logsumexp max mean median min nan_to_num nanargmax
    nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod nanstd nansum nanvar
    negative norm normalize ones_like prod ptp rad2deg ravel real reciprocal relu relu6 rfft
    rms_normalization round rsqrt selu sigmoid sign signbit silu sin sinc sinh soft_shrink softmax
    softplus softsign sort sparse_plus sparse_sigmoid sparsemax sqrt square squareplus std sum
    swish tan tanh tanh_shrink transpose tril triu trunc var zeros_like all any
"""
_OF_TWO = """
    add allclose append arctan2 divide divide_no_nan equal floor_divide fmax fmin fmod
    greater greater_equal heaviside hypot inner isclose less less_equal logaddexp
    logaddexp2 logical_and logical_or logical_xor maximum minimum mod multiply nextafter not_equal
    outer power subtract tensordot true_divide vdot
"""
_OF_BITS = """
    bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor left_shift
    right_shift
"""
_OF_MATRIX = "cholesky_inverse det diagonal inv logdet matrix_rank pinv qr svd trace"

SAMPLES = [
    *(Sample(name, _ROW) for name in _OF_ONE.split()),
    *(Sample(name, _PAIR) for name in _OF_TWO.split()),
    *(Sample(name, {"x": i(4), "y": i(4)}) for name in _OF_BITS.split()),
    *(Sample(name, {"x": f(3, 3)}) for name in _OF_MATRIX.split()),
    *(Sample(name, _INDICES) for name in ("bitwise_invert", "bitwise_not", "bincount")),
    *(Sample(name, {"xs": [f(4), f(4)]}) for name in ("concatenate", "hstack", "vstack", "dstack")),
    *(Sample(name, {"x": [f(4, 4), f(4, 4)]}) for name in ("fft", "fft2", "ifft2", "irfft")),
    *(
        Sample(name, {"x1": fixed(4, dtype="int32"), "x2": fixed(4, dtype="int32")})
        for name in ("gcd", "lcm")
    ),
    *(
        Sample(f"segment_{name}", {"data": f(4), "segment_ids": i()}, {"num_segments": 3})
        for name in ("max", "min", "prod", "sum")
    ),
    *(
        Sample(name, {"start": f(4), "stop": f(4)}, {"num": 3, "axis": 1})
        for name in ("linspace", "logspace")
    ),
    Sample("array_split", {"x": f(5)}, {"indices_or_sections": 2, "axis": 1}),
    Sample("average_pool", {"inputs": f(6, 6, 3)}, {"pool_size": 2}),
    Sample(
        "batch_normalization", {"x": f(2)},
        {
            "offset": [0.5, 1.0], "scale": [1.0, 2.0], "mean": [0.0, 1.0],
            "variance": [1.0, 2.0], "axis": -1,
        },
    ),
    Sample("binary_crossentropy", {"target": f(4), "output": f(4)}),
    Sample("broadcast_to", {"x": f(1)}, {"shape": [2, 4]}),
    Sample("cast", _ROW, {"dtype": "int32"}),
    Sample("categorical_crossentropy", {"target": f(4), "output": f(4)}),
    Sample("cdist", {"x": f(3, 4), "y": f(2, 4)}),
    Sample("cholesky", {"x": Tensor((1, 1))}),
    Sample("clip", _ROW, {"x_min": 0.2, "x_max": 0.5}),
    Sample("conv", _SEQUENCE, {"kernel": _KERNEL}),
    Sample("correlate", {"x1": fixed(), "x2": fixed()}),
    Sample("cross", {"x1": f(3), "x2": f(3)}),
    Sample("ctc_decode", {"inputs": f(6, 4), "sequence_lengths": i(value=6)}),
    Sample(
        "ctc_loss",
        {
            "target": i(3), "output": f(6, 4), "target_length": i(value=2),
            "output_length": i(value=6),
        },
    ),
    Sample("depth_to_space", {"x": f(2, 2, 4)}, {"block_size": 2}),
    Sample("depthwise_conv", _SEQUENCE, {"kernel": _KERNEL}),
    Sample("diff", {"a": f(4)}),
    Sample("digitize", _ROW, {"bins": [0.2, 0.5]}),
    Sample("dot", {"x1": f(4)}, {"x2": [1.0, 2.0, 3.0, 4.0]}),
    Sample(
        "dot_product_attention",
        {"query": f(3, 2, 4), "key": f(3, 2, 4), "value": f(3, 2, 4)}, {"is_causal": True},
    ),
    Sample("dsplit", {"x": f(3, 4)}, {"indices_or_sections": [1, 2]}),
    Sample("eigh", {"x": f(1, 1)}),
    Sample("einsum", {"operands": [f(3, 4), f(4, 2)]}, {"subscripts": "bij,bjk->bik"}),
    Sample("expand_dims", _ROW, {"axis": [1, -1]}),
    Sample("extract_sequences", {"x": f(32)}, {"sequence_length": 8, "sequence_stride": 4}),
    Sample("fold", {"x": f(4, 4)}, {"output_size": 3, "kernel_size": 2}),
    Sample("full_like", _ROW, {"fill_value": 2.5}),
    Sample("get_item", {"x": f(4, 4)}, {"key": [":", 0, "1:-1", None]}),
    Sample("hsplit", {"x": f(4, 4)}, {"indices_or_sections": 2}),
    Sample("in_top_k", {"targets": i(), "predictions": f(4)}, {"k": 2}),
    Sample("istft", {"x": [f(9, 5), f(9, 5)]}, _STFT),
    Sample("ldexp", {"x1": f(4), "x2": i(4)}),
    Sample("lstsq", {"a": fixed(2), "b": fixed(2)}),
    Sample("matmul", {"x1": f(3, 4), "x2": f(4, 2)}),
    Sample("max_pool", {"inputs": f(6, 6, 3)}, {"pool_size": [2, 2], "padding": "same"}),
    Sample("meshgrid", {"x": [f(), f()]}, {"indexing": "ij"}),
    Sample("moments", _ROW, {"axes": [1]}),
    Sample("moveaxis", {"x": f(3, 4)}, {"source": 1, "destination": 2}),
    Sample("multi_hot", {"inputs": i(4)}, {"num_classes": 4, "dtype": "int32"}),
    Sample("one_hot", _INDICES, {"num_classes": 4}),
    Sample("pad", _ROW, {"pad_width": [[0, 0], [1, 2]], "constant_values": 3}),
    Sample("percentile", _ROW, {"q": [25, 50], "axis": 1}),
    Sample("psnr", _PAIR, {"max_val": 1.0}),
    Sample("quantile", _ROW, {"q": 0.5, "axis": 1}),
    Sample("rearrange", {"tensor": fixed(3, 4)}, {"pattern": "b h w -> b w h"}),
    Sample("repeat", _ROW, {"repeats": [1, 2, 0, 3], "axis": 1}),
    Sample("reshape", _ROW, {"newshape": [-1, 2, 2]}),
    Sample("roll", _ROW, {"shift": 1, "axis": 1}),
    Sample("rot90", {"array": f(3, 4)}, {"axes": [1, 2]}),
    Sample("saturate_cast", _ROW, {"dtype": "uint8"}),
    Sample("scatter", {"indices": i(1), "values": f()}, {"shape": [5]}),
    Sample("scatter_update", {"inputs": f(4), "indices": i(2, value=1), "updates": f()}),
    Sample("searchsorted", {"values": f()}, {"sorted_sequence": [0.1, 0.5]}),
    Sample("select", {"condlist": [Tensor((4,), "bool")], "choicelist": [f(4)]}, {"default": 2.0}),
    Sample(
        "separable_conv", _SEQUENCE,
        {"depthwise_kernel": _KERNEL, "pointwise_kernel": [[[1.0], [0.5]]]},
    ),
    Sample("slice", {"inputs": f(4)}, {"start_indices": [0, 1], "shape": [1, 2]}),
    Sample("solve", {"a": f(3, 3), "b": f(3, 2)}),
    Sample("solve_triangular", {"a": f(3, 3), "b": f(3, 2)}, {"lower": True}),
    Sample("space_to_depth", {"x": f(4, 4, 1)}, {"block_size": 2}),
    Sample(
        "sparse_categorical_crossentropy", {"target": i(), "output": f(4)}, {"from_logits": True}
    ),
    Sample("split", _ROW, {"indices_or_sections": 2, "axis": -1}),
    Sample("squeeze", {"x": f(1, 4)}, {"axis": 1}),
    Sample("stack", {"x": [f(4), f(4)]}, {"axis": 1}),
    Sample("stft", {"x": f(32)}, _STFT),
    Sample("stop_gradient", {"variable": f(4)}),
    Sample("swapaxes", {"x": f(3, 4)}, {"axis1": 1, "axis2": 2}),
    Sample("take", _ROW, {"indices": [0, 2], "axis": 1}),
    Sample("take_along_axis", {"x": f(4), "indices": i(2)}, {"axis": 1}),
    Sample("threshold", _ROW, {"threshold": 0.5, "default_value": 0.0}),
    Sample("tile", _ROW, {"repeats": [1, 2]}),
    Sample("top_k", _ROW, {"k": 2}),
    Sample("trapezoid", {"y": f(4)}, {"dx": 0.5}),
    Sample("unfold", {"x": fixed(1, 3, 3)}, {"kernel_size": 2}),
    Sample("unravel_index", {"indices": fixed(4, dtype="int32")}, {"shape": [2, 3]}),
    Sample("unstack", _ROW, {"axis": 1}),
    Sample("vander", {"x": f()}, {"N": 3}),
    Sample("view", _ROW, {"dtype": "int32"}),
    Sample("vsplit", {"x": fixed(3)}, {"indices_or_sections": [1]}),
    Sample("where", {"condition": Tensor((4,), "bool"), "x1": f(4)}, {"x2": 0.5}),
    *(
        Sample(f"image.{name}", _IMAGE)
        for name in ("gaussian_blur", "hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv", "sobel_edges")
    ),
    Sample("image.affine_transform", _IMAGE, {"transform": [1.0, 0, 1.0, 0, 1.0, 1.0, 0, 0]}),
    Sample(
        "image.crop_images", _IMAGE,
        {"top_cropping": 1, "left_cropping": 1, "target_height": 3, "target_width": 3},
    ),
    Sample("image.extract_patches", _IMAGE, {"size": 2}),
    Sample("image.extract_patches_3d", {"volumes": f(4, 4, 4, 1)}, {"size": 2}),
    Sample(
        "image.map_coordinates", {"inputs": fixed(4, 4)},
        {"coordinates": [[0.0, 1.0], [0.5, 0.0], [1.0, 1.5]], "order": 1},
    ),
    Sample(
        "image.pad_images", _IMAGE,
        {"top_padding": 1, "left_padding": 1, "bottom_padding": 2, "right_padding": 0},
    ),
    Sample(
        "image.perspective_transform", _IMAGE,
        {"start_points": _CORNERS, "end_points": [[0.0, 1.0], *_CORNERS[1:]]},
    ),
    Sample("image.resize", _IMAGE, {"size": [3, 4]}),
    Sample(
        "image.scale_and_translate", _IMAGE,
        {
            "output_shape": [2, 4, 4, 3], "scale": [0.5, 0.5], "translation": [0.0, 1.0],
            "spatial_dims": [1, 2], "method": "linear",
        },
    ),
    Sample("image.ssim", {"image1": f(12, 12, 3), "image2": f(12, 12, 3)}),
]  # fmt: skip
