"""The parameters of operations: which take tensors, which take constants, and of what kind."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from compiler.catalogue.kinds.constants import CONSTANT
from compiler.catalogue.kinds.keras_kinds import FLAG, NUMBER, Kind
from compiler.catalogue.kinds.op_kinds import BY_FUNCTION, BY_NAME

_TENSOR_NAMES = """
    x x1 x2 a b y tensor array inputs images image1 image2 volumes data variable abs_ angle
    query key value bias mask kernel depthwise_kernel pointwise_kernel mean variance scale
    gamma beta weights target output targets predictions target_length output_length
    sequence_lengths indices values updates segment_ids sorted_sequence condition default
    x_min x_max start stop bins coordinates transform start_points end_points
"""
_TENSORS = frozenset(_TENSOR_NAMES.split())
_CONSTANTS = frozenset(
    {
        ("dot_product_attention", "scale"), ("kaiser", "beta"), ("squareplus", "b"),
        ("histogram", "bins"), ("get_item", "key"), ("image.scale_and_translate", "scale"),
    }
)  # fmt: skip
"""Parameters that take a constant although their name means a tensor in other operations."""
_ALSO = frozenset({("batch_normalization", "offset")})
_LISTS = frozenset(
    {
        ("concatenate", "xs"), ("dstack", "xs"), ("hstack", "xs"), ("vstack", "xs"),
        ("stack", "x"), ("einsum", "operands"), ("meshgrid", "x"),
        ("select", "condlist"), ("select", "choicelist"),
        ("fft", "x"), ("fft2", "x"), ("ifft2", "x"), ("irfft", "x"), ("istft", "x"),
    }
)  # fmt: skip
_HIDDEN = frozenset({"sparse", "ragged", "synchronized", "flash_attention", "retstep"})
"""Parameters that are not offered: results would not be dense, or need another device."""


class Takes(Enum):
    """What a parameter takes."""

    TENSOR = "a tensor"
    TENSORS = "a list of tensors"
    CONSTANT = "a constant"


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation."""

    op: str
    name: str
    default: Any
    takes: Takes
    kind: Kind
    """The kind of constants; in place of a tensor, numbers and lists of numbers."""
    is_variadic: bool = False

    @property
    def is_required(self) -> bool:
        """Whether Keras has no default for it."""
        return self.default is inspect.Parameter.empty

    def explain_misfit(self, value: Any) -> str | None:
        """Explain why a JSON constant is not valid for this parameter; None if it is."""
        if self.takes is Takes.TENSORS:
            return f"'{self.name}' takes tensors, which belong in `inputs`."
        if self.kind.accepts(value) or (value is None and self.default is None):
            return None
        return f"'{self.name}' must be {self.kind.wanted}."


def parameters_of(function: Any, op: str) -> Mapping[str, Parameter]:
    """The parameters that a node may give, in the order of the function."""
    known = inspect.signature(function).parameters.values()
    named = [p for p in known if p.kind is not p.VAR_KEYWORD and p.name not in _HIDDEN]
    return {p.name: _parameter(p, op) for p in named}


def _parameter(parameter: inspect.Parameter, op: str) -> Parameter:
    place = (op, parameter.name)
    takes = Takes.CONSTANT
    if place in _LISTS:
        takes = Takes.TENSORS
    elif (parameter.name in _TENSORS and place not in _CONSTANTS) or place in _ALSO:
        takes = Takes.TENSOR
    kind = CONSTANT if takes is not Takes.CONSTANT else _kind(parameter, place)
    variadic = parameter.kind is parameter.VAR_POSITIONAL
    return Parameter(op, parameter.name, parameter.default, takes, kind, variadic)


def _kind(parameter: inspect.Parameter, place: tuple[str, str]) -> Kind:
    if place in BY_FUNCTION:
        return BY_FUNCTION[place]
    if isinstance(parameter.default, bool):
        return FLAG
    if isinstance(parameter.default, float):
        return NUMBER
    return BY_NAME[parameter.name]
