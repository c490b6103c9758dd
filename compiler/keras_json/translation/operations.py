"""Translates serialized operations of Keras 3 to functions of `keras.ops`."""

import inspect
import re
from collections.abc import Mapping
from functools import cache
from itertools import takewhile
from typing import Any, NamedTuple

from compiler.catalogue.op_parameters import Parameter, Takes
from compiler.catalogue.ops import OPS, Op, explain_absence
from compiler.keras_json.parsing.document import expect, invalid_at
from compiler.keras_json.parsing.inbound_nodes import deserialize
from compiler.keras_json.parsing.parsed_model import Call, CallArgument, tensors_in
from compiler.keras_json.parsing.values import dtype_name, is_same
from compiler.keras_json.translation.arguments import BoundArguments, flatten_tensors
from compiler.keras_json.translation.tf_functions import bind_tf_arguments, find_tf_function
from domain.errors import did_you_mean
from domain.graph.walk import Place

_CLASSES = {"batchnorm": "batch_normalization", "layernorm": "layer_normalization",
            "rmsnorm": "rms_normalization"}  # fmt: skip
"""Class names of operations, in lower case, that differ from the names of their functions."""
_BY_KEYWORD = {"layer_normalization": ("rms_scaling",)}
"""Arguments that a function accepts through `**kwargs`."""
_LAMBDAS = frozenset({"TFOpLambda", "SlicingOpLambda"})
_MULTIPLE_OUTPUTS = """
    array_split ctc_decode divmod dsplit eigh fft fft2 frexp hsplit ifft2 meshgrid modf moments qr
    rfft split stft svd top_k unstack vsplit
"""
MULTIPLE_OUTPUTS = frozenset(_MULTIPLE_OUTPUTS.split())
"""The functions that return several tensors."""


class Operation(NamedTuple):
    """A function of `keras.ops`, with the arguments that the operation's config contains."""

    op: Op
    config: Mapping[str, CallArgument]
    tf: str | None = None
    """The name of the TensorFlow function that the document calls, if it calls one."""

    def bind(self, call: Call) -> BoundArguments:
        """Return the arguments of one call, by the function's parameters.

        Raises:
            Invalid: The function does not accept an argument.
        """
        given = bind_tf_arguments(self.tf, call) if self.tf else _bind_op_arguments(self, call)
        tensors: dict[str, CallArgument] = {}
        constants: dict[str, CallArgument] = {}
        for name, item in {**self.config, **given}.items():
            parameter = self.op.parameters.get(name)
            if parameter is None:
                _check_hidden(self.op, name, item)
            elif any(True for _ in tensors_in(item.value)):
                tensors[name] = flatten_tensors(name, item)
            elif not _is_default(parameter, item.value):
                constants[name] = item._replace(value=_remove_dtype(parameter, item.value))
        return BoundArguments(tensors, constants)


def is_operation(spec: Mapping[str, Any]) -> bool:
    """Whether a serialized layer is an operation rather than a layer."""
    module, kind = spec.get("module"), spec.get("class_name")
    in_ops = isinstance(module, str) and re.match(r"keras\w*\.(src\.)?(ops|operations)\b", module)
    return bool(in_ops) or (isinstance(kind, str) and kind in _LAMBDAS)


def parse_operation(spec: Mapping[str, Any], place: Place) -> Operation:
    """Return the function that a serialized operation calls.

    Raises:
        Invalid: The graph language has no such function.
    """
    kind = expect(spec.get("class_name"), str, (*place, "class_name"))
    where = (*place, "config")
    config = expect(spec.get("config", {}), dict, where)
    if kind in _LAMBDAS:
        tf, op = find_tf_function(config, where)
        return Operation(op, {}, tf)
    op = _find_op(spec, kind, place)
    given = {
        name: CallArgument(_parse_constant(name, value, (*where, name)), (*where, name))
        for name, value in config.items()
        if name in op.parameters or name not in ("name", "trainable", "dtype")
    }
    return Operation(op, given)


def _find_op(spec: Mapping[str, Any], kind: str, place: Place) -> Op:
    prefix = "image." if str(spec.get("module")).endswith(".image") else ""
    class_name = _CLASSES.get(kind.lower(), kind.lower()).replace("_", "")
    name = _functions_by_class().get(prefix + class_name)
    if name is None:
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
        raise invalid_at((*place, "class_name"), explain_absence(prefix + snake))
    return OPS[name]


@cache
def _functions_by_class() -> Mapping[str, str]:
    """Return the names of functions by the class names of their operations, in lower case."""
    return {name.replace("_", ""): name for name in OPS}


def _parse_constant(name: str, value: Any, place: Place) -> Any:
    return dtype_name(value, place) if name == "dtype" else deserialize(value, place)


def _bind_op_arguments(operation: Operation, call: Call) -> dict[str, CallArgument]:
    """Return the arguments by name.

    The positional parameters of a call are those of the function, without those in the config.
    """
    left = [p for name, p in operation.op.parameters.items() if name not in operation.config]
    single = [parameter.name for parameter in takewhile(lambda p: not p.is_variadic, left)]
    if len(single) == len(left):
        return call.bind(single)
    first, rest = call.args[: len(single)], call.args[len(single) :]
    given = call._replace(args=first).bind(single)
    variadic = CallArgument([item.value for item in rest], call.place)
    return {**given, left[len(single)].name: variadic}


def _remove_dtype(parameter: Parameter, value: Any) -> Any:
    """Return a constant without its dtype if the parameter does not accept tensors."""
    is_constant = parameter.takes is Takes.CONSTANT
    is_typed = isinstance(value, dict) and value.keys() == {"dtype", "value"}
    return value["value"] if is_constant and is_typed else value


def _is_default(parameter: Parameter, value: Any) -> bool:
    return not parameter.is_required and is_same(value, parameter.default)


def _check_hidden(op: Op, name: str, given: CallArgument) -> None:
    """Check an argument that a graph does not offer, e.g. `sparse`: it must be null or false.

    Raises:
        Invalid: The argument has another value, or the function does not have it.
    """
    is_known = name in {*inspect.signature(op.function).parameters, *_BY_KEYWORD.get(op.name, ())}
    if not is_known or given.value not in (None, False):
        offered = did_you_mean(name, op.parameters)
        raise invalid_at(given.place, f"'{op.name}' has no argument '{name}'.{offered}")
