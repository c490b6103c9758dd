"""Translates TensorFlow functions in models of Keras 2 to functions of `keras.ops`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType
from typing import Any

from compiler.catalogue.ops import OPS, Op
from compiler.keras_json.parsing.document import as_whole, expect, invalid_at
from compiler.keras_json.parsing.parsed_model import Call, CallArgument
from compiler.keras_json.parsing.values import dtype_name
from domain.graph.walk import Place


@dataclass(frozen=True)
class TfFunction:
    """A function of TensorFlow, and the function of `keras.ops` that computes the same."""

    op: str
    """The function's name in `keras.ops`."""
    names: Mapping[str, str]
    """TensorFlow's parameters, in order, and the parameters of `keras.ops`."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """TensorFlow's defaults that differ from those of `keras.ops`, by the latter's parameters."""


def _function(op: str, parameters: str, **defaults: Any) -> TfFunction:
    """Return a function whose parameters are written as `"theirs=ours same"`."""
    return TfFunction(op, dict(_pairs(parameters)), defaults)


def _math_functions(names: str, parameters: str) -> dict[str, TfFunction]:
    """Return functions of `tf.math` that have the same parameters.

    Args:
        names: The functions' names, as `"theirs=ours same"`.
        parameters: The parameters, in the same form.
    """
    return {f"math.{theirs}": _function(ours, parameters) for theirs, ours in _pairs(names)}


def _pairs(words: str) -> list[tuple[str, str]]:
    """Return TensorFlow's names with ours, from `"theirs=ours same"`."""
    split = [word.partition("=") for word in words.split()]
    return [(theirs, ours or theirs) for theirs, _, ours in split]


_MATH = {
    **_math_functions(
        "add subtract multiply divide truediv=true_divide floordiv=floor_divide mod floormod=mod"
        " pow=power maximum minimum greater greater_equal less less_equal equal not_equal"
        " logical_and logical_or logical_xor atan2=arctan2",
        "x=x1 y=x2",
    ),
    **_math_functions(
        "abs negative exp expm1 log log1p sqrt rsqrt square sin cos tan tanh sigmoid sign floor"
        " ceil round is_nan=isnan is_inf=isinf is_finite=isfinite logical_not reciprocal erf",
        "x",
    ),
    **_math_functions(
        "reduce_mean=mean reduce_sum=sum reduce_max=max reduce_min=min reduce_prod=prod"
        " reduce_any=any reduce_all=all reduce_std=std reduce_variance=var"
        " reduce_logsumexp=logsumexp",
        "input_tensor=x axis keepdims",
    ),
    "math.argmax": _function("argmax", "input=x axis", axis=0),
    "math.argmin": _function("argmin", "input=x axis", axis=0),
    "math.cumsum": _function("cumsum", "x axis", axis=0),
    "math.softplus": _function("softplus", "features=x"),
    "math.top_k": _function("top_k", "input=x k sorted", k=1),
}
_OPERATORS = {
    f"__operators__.{operator}": _MATH[f"math.{function}"]
    for operator, function in (
        ("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("truediv", "truediv"),
        ("floordiv", "floordiv"), ("mod", "mod"), ("pow", "pow"), ("eq", "equal"),
        ("ne", "not_equal"), ("gt", "greater"), ("ge", "greater_equal"), ("lt", "less"),
        ("le", "less_equal"), ("neg", "negative"),
    )
}  # fmt: skip
_NN = {
    **{
        f"nn.{name}": _function(name, "features=x")
        for name in ("relu", "relu6", "elu", "selu", "softplus", "softsign")
    },
    **{f"nn.{name}": _function("silu", "features=x") for name in ("silu", "swish")},
    "nn.sigmoid": _function("sigmoid", "x"),
    "nn.tanh": _function("tanh", "x"),
    "nn.gelu": _function("gelu", "features=x approximate", approximate=False),
    "nn.leaky_relu": _function("leaky_relu", "features=x alpha=negative_slope"),
    "nn.softmax": _function("softmax", "logits=x axis", axis=-1),
    "nn.log_softmax": _function("log_softmax", "logits=x axis", axis=-1),
}
_ARRAYS = {
    "linalg.matmul": _function("matmul", "a=x1 b=x2"),
    "concat": _function("concatenate", "values=xs axis"),
    "stack": _function("stack", "values=x axis"),
    "unstack": _function("unstack", "value=x num axis"),
    "split": _function("split", "value=x num_or_size_splits=indices_or_sections axis", axis=0),
    "reshape": _function("reshape", "tensor=x shape=newshape"),
    "transpose": _function("transpose", "a=x perm=axes"),
    "expand_dims": _function("expand_dims", "input=x axis"),
    "squeeze": _function("squeeze", "input=x axis"),
    "cast": _function("cast", "x dtype"),
    "tile": _function("tile", "input=x multiples=repeats"),
    "repeat": _function("repeat", "input=x repeats axis"),
    "reverse": _function("flip", "tensor=x axis"),
    "roll": _function("roll", "input=x shift axis"),
    "pad": _function("pad", "tensor=x paddings=pad_width mode constant_values"),
    "gather": _function("take", "params=x indices axis", axis=0),
    "where": _function("where", "condition x=x1 y=x2"),
    "clip_by_value": _function("clip", "t=x clip_value_min=x_min clip_value_max=x_max"),
    "one_hot": _function("one_hot", "indices=x depth=num_classes axis dtype"),
    "broadcast_to": _function("broadcast_to", "input=x shape"),
    "zeros_like": _function("zeros_like", "input=x dtype"),
    "ones_like": _function("ones_like", "input=x dtype"),
    "stop_gradient": _function("stop_gradient", "input=variable"),
    "image.resize": _function("image.resize", "images size method=interpolation antialias"),
    "__operators__.getitem": _function("get_item", "tensor=x slice_spec=key"),
}


def _without_module(functions: Mapping[str, TfFunction]) -> dict[str, TfFunction]:
    """Return the functions by their names without the module: `tf.abs` is `tf.math.abs`."""
    return {name.partition(".")[2]: function for name, function in functions.items()}


TF_FUNCTIONS: Mapping[str, TfFunction] = MappingProxyType(
    {**_without_module(_MATH), **_MATH, **_OPERATORS, **_NN, **_ARRAYS}
)
NEUTRAL = {"transpose_a": False, "transpose_b": False, "adjoint_a": False, "adjoint_b": False,
           "a_is_sparse": False, "b_is_sparse": False, "output_type": None, "name": None,
           "batch_dims": 0, "exclusive": False, "reverse": False, "conjugate": False, "beta": 1.0,
           "preserve_aspect_ratio": False, "optimize": True, "num": None}  # fmt: skip
"""TensorFlow's arguments that `keras.ops` does not have, with the values that have no effect."""


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _split_indices(sizes: Any) -> Any:
    """Convert the parts' lengths, as in `tf.split`, to the indices between them."""
    lengths = [as_whole(size) for size in sizes] if isinstance(sizes, list) else []
    is_list = isinstance(sizes, list) and all(type(length) is int for length in lengths)
    return list(accumulate(lengths))[:-1] if is_list else sizes


CONVERSIONS: Mapping[tuple[str, str], Callable[[Any], Any]] = MappingProxyType(
    {("pad", "mode"): _lower, ("split", "num_or_size_splits"): _split_indices}
)
"""Functions that convert values of TensorFlow's arguments to values for `keras.ops`."""


def find_tf_function(config: dict[str, Any], place: Place) -> tuple[str, Op]:
    """Return TensorFlow's name of a function, and the function of `keras.ops` that replaces it.

    Raises:
        Invalid: No function of `keras.ops` replaces it.
    """
    written = expect(config.get("function", "__operators__.getitem"), str, (*place, "function"))
    name = written.removeprefix("compat.v1.")
    if name not in TF_FUNCTIONS or TF_FUNCTIONS[name].op not in OPS:
        detail = (
            f"A graph has no function for TensorFlow's '{written}'; build the model with "
            f"`keras.ops` instead."
        )
        raise invalid_at((*place, "function"), detail)
    return name, OPS[TF_FUNCTIONS[name].op]


def bind_tf_arguments(name: str, call: Call) -> dict[str, CallArgument]:
    """Return the arguments of one call, by the parameters of the function of `keras.ops`.

    Raises:
        Invalid: The function of `keras.ops` does not have an argument.
    """
    function = TF_FUNCTIONS[name]
    given: dict[str, CallArgument] = {}
    for theirs, item in call.bind(list(function.names)).items():
        ours = function.names.get(theirs)
        if ours is not None:
            value = CONVERSIONS.get((name, theirs), lambda value: value)(item.value)
            value = dtype_name(value, item.place) if ours == "dtype" else value
            given[ours] = item._replace(value=value)
        elif theirs != "name" and item.value not in (None, NEUTRAL.get(theirs)):
            raise invalid_at(item.place, f"'{theirs}' of TensorFlow's '{name}' is not offered.")
    defaults = {ours: CallArgument(v, call.place) for ours, v in function.defaults.items()}
    not_null = {ours: item for ours, item in given.items() if item.value is not None}
    return {**given, **defaults, **not_null}
