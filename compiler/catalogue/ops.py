"""The operations that a node may call: functions of `keras.ops`, by Keras's names.

Functions of `keras.ops.image` are written `image.resize`. The parameters are read from the
function's signature. A parameter that takes a tensor is given in a node's `inputs`, or in `config`
as a number or an array; a parameter that takes a list of tensors (`concatenate`, `einsum`, `fft`)
only in `inputs`; all other parameters in `config`. The expression `x[:, 0, 1:-1, None, ...]` is
`{"op": "get_item", "inputs": "x", "config": {"key": [":", 0, "1:-1", null, "..."]}}`.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast

import keras

from compiler.catalogue.kinds.op_kinds import each
from compiler.catalogue.op_parameters import Parameter, Takes, parameters_of
from compiler.keras_private import get_file
from domain.catalogue import OpKind
from domain.errors import not_offered

_CODE = "It takes a function, and none of the client's is ever run here."
_NOTHING = "It makes a tensor from nothing; write the numbers as a constant of another function."
_VALUES = "How large its result is depends on the values."
_NO_TENSOR = "It gives no tensor."
_COMPLEX = "Its result is complex, and no dtype here is."
_WRONG = "Keras states a shape that its result does not have."
_UNTRACED = "Keras or TensorFlow cannot compute it inside a model."

LEFT_OUT: Mapping[str, str] = {
    **each(
        "associative_scan cond custom_gradient fori_loop jvp map scan switch vectorize"
        " vectorized_map while_loop",
        _CODE,
    ),
    **each("arange empty eye full identity ones tri zeros", _NOTHING),
    **each("nonzero unique bartlett blackman hamming hanning kaiser", _VALUES),
    **each("convert_to_numpy dtype is_tensor ndim shape size", _NO_TENSOR),
    **each("eig polar view_as_complex view_as_real", _COMPLEX),
    **each("corrcoef geomspace histogram isin kron lu_factor nanpercentile nanquantile", _UNTRACED),
    **each("adaptive_average_pool adaptive_max_pool slogdet", _WRONG),
    "argpartition": "Keras mixes the rows up and cuts fractions off; take 'argsort'.",
    "empty_like": "What it holds is undefined; take 'zeros_like'.",
    "conv_transpose": "Keras mixes its arguments up inside a model.",
    "slice_update": "TensorFlow has no gradient for it; take 'scatter_update'.",
    "image.elastic_transform": "It draws random numbers without a seed of the graph's.",
}
"""The functions of `keras.ops` that no node may call, each with the reason."""


@dataclass(frozen=True)
class Op:
    """An operation that a node may call."""

    name: str
    function: Any

    @property
    def kind(self) -> OpKind:
        """The file of Keras's source that defines it."""
        return cast(OpKind, get_file(self.function))

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters that a node may give, in order."""
        return parameters_of(self.function, self.name)

    @cached_property
    def tensors(self) -> Mapping[str, Parameter]:
        """The parameters that take tensors; a node's list of `inputs` follows their order."""
        return {n: p for n, p in self.parameters.items() if p.takes is not Takes.CONSTANT}


def _offered() -> dict[str, Op]:
    modules = {"": keras.ops, "image.": keras.ops.image}
    functions = {
        prefix + name: function
        for prefix, module in modules.items()
        for name, function in inspect.getmembers(module, inspect.isfunction)
    }
    return {name: Op(name, f) for name, f in functions.items() if name not in LEFT_OUT}


OPS: Mapping[str, Op] = MappingProxyType(_offered())


def explain_absence(name: str) -> str:
    """Explain why no node may call an operation of this name."""
    return not_offered("operation", name, OPS, LEFT_OUT)
