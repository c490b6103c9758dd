"""The JSON constants that the parameters of `keras.ops` take, by the names of the parameters."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field

from compiler.catalogue.kinds.constants import NumericDtype
from compiler.catalogue.kinds.json_types import Count, Number, Positive, Whole, whole
from compiler.catalogue.kinds.keras_kinds import COUNT, NUMBER, POSITIVE, TEXT, WHOLE, Kind, one_of
from domain.graph.shapes import MOST_AXES

MOST_STEPS = 1024
"""The maximum of steps or parts, if TensorFlow's graph has an operation for each of them."""
_MOST_TIMES = 2**20
"""The maximum by which an axis grows; its length may be unknown, so the result is not counted."""
MOST_TILES = 2**20
MOST_BINS = 100_000
"""The maximum of values that an operation computes for each row, whatever the size of the row."""

T = TypeVar("T")


def each(names: str, value: T) -> dict[str, T]:
    """Assign one value to each of several names."""
    return dict.fromkeys(names.split(), value)


def _few(item: Any) -> Any:
    """A list with at most one item for each axis that a tensor can have."""
    return Annotated[list[item], Field(max_length=MOST_AXES, fail_fast=True)]


def _two(item: Any) -> Any:
    return Annotated[list[item], Field(min_length=2, max_length=2)]


def _moderate(value: list[int]) -> list[int]:
    if prod(value) > MOST_TILES:
        raise ValueError("too many")
    return value


_Axes: Any = Whole | _few(Whole)
_Slice = Annotated[str, Field(pattern=r"^(-?\d{1,9})?:(-?\d{1,9})?(:(-?\d{1,9})?)?$")]
_Index: Any = _Slice | Literal["..."] | Whole | None
_Times: Any = whole(0, _MOST_TIMES)
_Offset: Any = whole(-MOST_STEPS, MOST_STEPS)
_Length: Any = whole(0, MOST_BINS)
_Steps: Any = whole(0, MOST_STEPS)

AXES = Kind(f"a whole number or a list of at most {MOST_AXES}", _Axes)
PAIR_OF_AXES = Kind(
    "a whole number or a list of two, each a whole number or a list",
    Whole | _two(_Axes),
)
SHAPE = Kind(f"a list of at most {MOST_AXES} whole numbers", _few(Whole))
SIZES = Kind("a positive whole number or a list of them", Positive | _few(Positive))
COUNTS = Kind("a whole number, 0 or more, or a list of them", Count | _few(Count))
REPEATS = Kind(
    f"a whole number from 0 to {_MOST_TIMES:,}, or a list of them", _Times | list[_Times]
)
TIMES = Kind(f"a whole number from 0 to {_MOST_TIMES:,}", _Times)
STEPS = Kind(f"a whole number from 0 to {MOST_STEPS}", _Steps)
OFFSET = Kind(f"a whole number from -{MOST_STEPS} to {MOST_STEPS}", _Offset)
LENGTH = Kind(f"a whole number from 0 to {MOST_BINS}", _Length)
BLUR = Kind(f"a whole number from 0 to {MOST_STEPS} or a list of them", _Steps | _few(_Steps))
TILES = Kind(
    f"a whole number, 0 or more, or a list of them that multiply to at most {MOST_TILES}",
    Count | Annotated[_few(Count), AfterValidator(_moderate)],
)
PARTS = Kind(
    f"how many parts (up to {MOST_STEPS}), or a list of the places to cut at",
    _Steps | Annotated[list[Whole], Field(max_length=MOST_STEPS, fail_fast=True)],
)
WIDTHS = Kind(
    f"a whole number from 0 to {_MOST_TIMES:,}, or a list of one or a pair of them for each axis",
    _Times | _few(_Times | _few(_Times)),
)
DTYPE = Kind("the name of a dtype, e.g. 'float32'", NumericDtype)
KEY = Kind(
    "an index, a slice as text ('1:-1', '::2', ':'), '...', null for a new axis, or a list of them",
    _Index | _few(_Index),
)
ORDER = Kind("a number, 'fro' or 'nuc'", Number | Literal["fro", "nuc"])
NUMBERS = Kind("a number or a list of them", Number | list[Number])

BY_NAME: Mapping[str, Kind] = {
    **each("offset axis1 axis2 axisa axisb axisc k kth decimals mask_index", WHOLE),
    **each("axis axes source destination shift", AXES),
    **each("n N num_segments minlength length", COUNT),
    **each("num num_classes", COUNT),
    **each("beam_width top_paths", STEPS),
    **each("order block_size filter_size fft_length", POSITIVE),
    **each("sequence_length sequence_stride", POSITIVE),
    **each("output_size pool_size kernel_size size", SIZES),
    **each("strides stride dilation dilation_rate", SIZES),
    **each("shape newshape output_shape spatial_dims start_indices", SHAPE),
    **each("rtol atol epsilon fill_value constant_values initial max_val", NUMBER),
    **each("tol rcond posinf neginf nan base dx threshold", NUMBER),
    **each("default_value attn_logits_soft_cap alpha b", NUMBER),
    **each("q scale sigma translation", NUMBERS),
    **each("subscripts pattern", TEXT),
    **each("top_cropping left_cropping bottom_cropping right_cropping", COUNT),
    **each("top_padding left_padding bottom_padding right_padding", TIMES),
    **each("target_height target_width", POSITIVE),
    "dtype": DTYPE,
    "indices_or_sections": PARTS,
    "pad_width": WIDTHS,
    "repeats": REPEATS,
    "output_padding": COUNTS,
    "data_format": one_of("channels_last", "channels_first"),
    "padding": one_of("valid", "same"),
    "method": one_of("linear", "lower", "higher", "midpoint", "nearest"),
    "mode": one_of("valid", "same", "full"),
    "indexing": one_of("xy", "ij"),
    "side": one_of("left", "right"),
    "strategy": one_of("greedy", "beam_search"),
    "reduction": one_of("add", "max", "min", "mul"),
    "interpolation": one_of("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"),
    "fill_mode": one_of("constant", "nearest", "wrap", "mirror", "reflect"),
    "ord": ORDER,
    "window": one_of("hann", "hamming", None),
    "key": KEY,
}  # fmt: skip
BY_FUNCTION: Mapping[tuple[str, str], Kind] = {
    ("top_k", "k"): COUNT,
    **dict.fromkeys((("diag", "k"), ("diagflat", "k")), OFFSET),
    ("bincount", "minlength"): LENGTH,
    ("image.gaussian_blur", "kernel_size"): BLUR,
    ("tile", "repeats"): TILES,
    ("in_top_k", "k"): COUNT,
    ("image.map_coordinates", "order"): WHOLE,
    ("diff", "n"): STEPS,
    ("unstack", "num"): STEPS,
    ("qr", "mode"): one_of("reduced", "complete"),
    ("pad", "mode"): one_of("constant", "reflect", "symmetric"),
    ("tensordot", "axes"): PAIR_OF_AXES,
    ("fold", "padding"): COUNTS,
    ("unfold", "padding"): COUNTS,
    ("image.scale_and_translate", "method"): one_of(
        "linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic", "lanczos3", "lanczos5"
    ),
}
