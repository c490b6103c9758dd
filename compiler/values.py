"""Which JSON values an argument takes: by its name, else by the type of its default."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

from compiler.arguments import Argument
from domain.graph import Dtype

LARGEST = 2**31 - 1
DTYPES = frozenset(get_args(Dtype)) | {"mixed_float16", "mixed_bfloat16"}


class Kind(NamedTuple):
    """A set of JSON values: what it is called, and which belong to it."""

    wanted: str
    accepts: Callable[[Any], bool]


def is_whole(value: Any) -> bool:
    """A whole number (JSON's booleans are none), as large as a shape may be."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def is_number(value: Any) -> bool:
    """A number; JSON's booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[A-Za-z][A-Za-z0-9_-]{0,63}", value) is not None


def _nested(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """One value, or lists of them to any depth."""

    def accepted(value: Any) -> bool:
        if isinstance(value, list):
            return all(accepted(item) for item in value)
        return accepts(value)

    return accepted


POSITIVE = Kind("a positive whole number", lambda v: is_whole(v) and v > 0)
WHOLE = Kind("a whole number", is_whole)
COUNT = Kind("a whole number, 0 or more", lambda v: is_whole(v) and v >= 0)
NUMBER = Kind("a number", is_number)
FLAG = Kind("true or false", lambda v: isinstance(v, bool))
TEXT = Kind("text", lambda v: isinstance(v, str))
DTYPE = Kind(
    "the name of a dtype, e.g. 'float32' or 'mixed_float16'",
    lambda v: isinstance(v, str) and v in DTYPES,
)
NAME = Kind("a name: a letter, then letters, digits, '_' or '-'", _is_name)
TEXT_OR_FLAG = Kind("text, true or false", lambda v: isinstance(v, str | bool))
TERMS = Kind(
    "a list of terms (text here would name a file on the server)",
    lambda v: isinstance(v, list) and all(isinstance(x, str) or is_number(x) for x in v),
)
WHOLES = Kind("a whole number or a list of them", _nested(is_whole))
SIZES = Kind("a positive whole number or a list of them", _nested(lambda v: is_whole(v) and v > 0))
SHAPE = Kind(
    "a list of whole numbers",
    lambda v: isinstance(v, list) and all(x is None or is_whole(x) for x in v),
)
NUMBERS = Kind("a number or a list of them", _nested(is_number))
PLAIN = Kind(
    "text, a number, true, false or a list of them",
    _nested(lambda v: v is None or isinstance(v, str | int | float)),
)

_POSITIVE = """
    units filters input_dim output_dim num_heads key_dim value_dim head_dim num_query_heads
    num_key_value_heads depth_multiplier n height width num_bins max_tokens num_tokens
    power_iterations bins fft_length frame_length frame_step sequence_stride num_mel_bins
    max_number lora_rank sliding_window output_sequence_length
    k top_k num_classes num_labels num_thresholds
    decay_steps first_decay_steps ema_overwrite_frequency gradient_accumulation_steps
"""
_BY_NAME: dict[str, Kind] = {
    **dict.fromkeys(_POSITIVE.split(), POSITIVE),
    **dict.fromkeys(("kernel_size", "pool_size", "dilation_rate", "strides"), SIZES),
    **dict.fromkeys(
        ("patience", "cooldown", "start_from_epoch", "warmup_steps", "num_regressors"), COUNT
    ),
    **dict.fromkeys(("target_shape", "dims"), SHAPE),
    **dict.fromkeys(("dtype", "vocabulary_dtype", "reverse_dtype"), DTYPE),
    **dict.fromkeys(("rate", "stddev", "decay_rate", "beta", "min_delta", "baseline"), NUMBER),
    **dict.fromkeys(("factor", "scale", "fill_value", "boundaries", "values"), NUMBERS),
    **dict.fromkeys(("equation", "mode", "monitor"), TEXT),
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm", "adam_lr_ratio"), NUMBER),
    **dict.fromkeys(("weight_decay", "loss_scale_factor"), NUMBER),
    "use_cudnn": TEXT_OR_FLAG,
    "name": NAME,
    "seed": WHOLE,
    "vocabulary": TERMS,
}


def kind_of(argument: Argument) -> Kind:
    """The values that this argument takes."""
    default = argument.default
    if isinstance(default, bool):
        return FLAG
    if argument.name in _BY_NAME:
        return _BY_NAME[argument.name]
    if isinstance(default, str):
        return TEXT
    if isinstance(default, int):
        return WHOLES
    return NUMBERS if isinstance(default, float | tuple) else PLAIN


def reason_against(argument: Argument, value: Any) -> str | None:
    """Why a value cannot be this argument's; None when it can."""
    kind = kind_of(argument)
    if value is None and (argument.default is None or kind in (TEXT, TEXT_OR_FLAG)):
        return None
    if kind.accepts(value):
        return None
    return f"'{argument.name}' must be {kind.wanted}."
