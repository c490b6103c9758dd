"""The functions of `keras.ops` that a graph may call, by Keras's own names."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import keras

_OFFERED = """
    abs add concatenate einsum exp expand_dims log matmul maximum mean minimum multiply negative
    reshape sqrt square squeeze stack subtract sum transpose true_divide
"""
_VARIADIC = inspect.Parameter.VAR_POSITIONAL


@dataclass(frozen=True)
class Op:
    """One function of the allow-list."""

    name: str
    function: Any

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Its parameters by name, in order."""
        parameters = inspect.signature(self.function).parameters
        return {name: p for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD}

    @property
    def first(self) -> inspect.Parameter:
        """What a node's `inputs` are when they are not an object."""
        return next(iter(self.parameters.values()))

    @property
    def variadic(self) -> str | None:
        """The parameter that takes any number of tensors, e.g. `*operands`."""
        names = (name for name, p in self.parameters.items() if p.kind is _VARIADIC)
        return next(names, None)

    @property
    def takes_list(self) -> bool:
        """Whether its first parameter is a list of tensors."""
        return self.name in ("concatenate", "stack")


def _offered() -> dict[str, Op]:
    return {name: Op(name, getattr(keras.ops, name)) for name in _OFFERED.split()}


OPS: Mapping[str, Op] = MappingProxyType(_offered())
