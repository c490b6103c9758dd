"""Serialized operations of Keras 3, as functions of `keras.ops`."""

import inspect
import re
from collections.abc import Mapping
from functools import cache
from itertools import takewhile
from typing import Any, NamedTuple

from compiler.catalogue.op_parameters import Parameter, Takes
from compiler.catalogue.ops import OPS, Op, reason_against
from compiler.keras_json.parsing.document import expect, invalid_at
from compiler.keras_json.parsing.inbound_nodes import deserialize
from compiler.keras_json.parsing.parsed_model import Call, CallArgument, tensors_in
from compiler.keras_json.parsing.values import dtype_name, is_same
from compiler.keras_json.translation.arguments import BoundArguments, flat
from compiler.keras_json.translation.tf_functions import bind_tf_arguments, find_tf_function
from domain.errors import did_you_mean
from domain.graph.walk import Place

_CLASSES = {"batchnorm": "batch_normalization", "layernorm": "layer_normalization",
            "rmsnorm": "rms_normalization"}  # fmt: skip
"""Operations whose function is not called as they are."""
_BY_KEYWORD = {"layer_normalization": ("rms_scaling",)}
"""Arguments that a function takes by way of `**kwargs`."""
_LAMBDAS = frozenset({"TFOpLambda", "SlicingOpLambda"})
_MULTIPLE_OUTPUTS = """
    array_split ctc_decode divmod dsplit eigh fft fft2 frexp hsplit ifft2 meshgrid modf moments qr
    rfft split stft svd top_k unstack vsplit
"""
MULTIPLE_OUTPUTS = frozenset(_MULTIPLE_OUTPUTS.split())
"""The functions that give several tensors."""


class Operation(NamedTuple):
    """A function, and what of its arguments is no part of a call."""

    op: Op
    config: Mapping[str, CallArgument]
    tf: str | None = None
    """The function of TensorFlow's that it stands for."""

    def bind(self, call: Call) -> BoundArguments:
        """The arguments of one call, by the function's parameters.

        Raises:
            Invalid: an argument that the function does not take.
        """
        given = bind_tf_arguments(self.tf, call) if self.tf else _by_position(self, call)
        tensors: dict[str, CallArgument] = {}
        constants: dict[str, CallArgument] = {}
        for name, item in {**self.config, **given}.items():
            parameter = self.op.parameters.get(name)
            if parameter is None:
                _check_hidden(self.op, name, item)
            elif any(True for _ in tensors_in(item.value)):
                tensors[name] = flat(name, item)
            elif not _is_default(parameter, item.value):
                constants[name] = item._replace(value=_untyped(parameter, item.value))
        return BoundArguments(tensors, constants)


def is_operation(spec: Mapping[str, Any]) -> bool:
    """Whether a serialized layer is an operation rather than a layer."""
    module, kind = spec.get("module"), spec.get("class_name")
    in_ops = isinstance(module, str) and re.match(r"keras\w*\.(src\.)?(ops|operations)\b", module)
    return bool(in_ops) or (isinstance(kind, str) and kind in _LAMBDAS)


def operation(spec: Mapping[str, Any], place: Place) -> Operation:
    """The function that a serialized operation calls.

    Raises:
        Invalid: there is none in the graph language.
    """
    kind = expect(spec.get("class_name"), str, (*place, "class_name"))
    where = (*place, "config")
    config = expect(spec.get("config", {}), dict, where)
    if kind in _LAMBDAS:
        tf, op = find_tf_function(config, where)
        return Operation(op, {}, tf)
    op = _op(spec, kind, place)
    given = {
        name: CallArgument(_constant(op, name, value, (*where, name)), (*where, name))
        for name, value in config.items()
        if name in op.parameters or name not in ("name", "trainable", "dtype")
    }
    return Operation(op, given)


def _op(spec: Mapping[str, Any], kind: str, place: Place) -> Op:
    prefix = "image." if str(spec.get("module")).endswith(".image") else ""
    name = _by_class().get(prefix + _CLASSES.get(kind.lower(), kind.lower()).replace("_", ""))
    if name is None:
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
        raise invalid_at((*place, "class_name"), reason_against(prefix + snake))
    return OPS[name]


@cache
def _by_class() -> Mapping[str, str]:
    """The functions by their operations' names in lower case."""
    return {name.replace("_", ""): name for name in OPS}


def _constant(op: Op, name: str, value: Any, place: Place) -> Any:
    return dtype_name(value, place) if name == "dtype" else deserialize(value, place)


def _by_position(operation: Operation, call: Call) -> dict[str, CallArgument]:
    """Operations are called with what their constructors do not take, in the function's order."""
    left = [p for name, p in operation.op.parameters.items() if name not in operation.config]
    alone = [parameter.name for parameter in takewhile(lambda p: not p.is_variadic, left)]
    if len(alone) == len(left):
        return call.bind(alone)
    first, rest = call.args[: len(alone)], call.args[len(alone) :]
    given = call._replace(args=first).bind(alone)
    return {**given, left[len(alone)].name: CallArgument([item.value for item in rest], call.place)}


def _untyped(parameter: Parameter, value: Any) -> Any:
    """A constant without the dtype that says nothing where no tensor could stand."""
    is_constant = parameter.takes is Takes.CONSTANT
    is_typed = isinstance(value, dict) and value.keys() == {"dtype", "value"}
    return value["value"] if is_constant and is_typed else value


def _is_default(parameter: Parameter, value: Any) -> bool:
    return not parameter.is_required and is_same(value, parameter.default)


def _check_hidden(op: Op, name: str, given: CallArgument) -> None:
    """An argument of a device, or of a kind of tensor that no graph has, may be left at no."""
    is_known = name in {*inspect.signature(op.function).parameters, *_BY_KEYWORD.get(op.name, ())}
    if not is_known or given.value not in (None, False):
        offered = did_you_mean(name, op.parameters)
        raise invalid_at(given.place, f"'{op.name}' has no argument '{name}'.{offered}")
