"""Lists the TensorFlow operations of a model that compute with its rows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from compiler.inference.positive_values import find_positive

_OF_SHAPES = frozenset(
    {
        "BroadcastArgs", "BroadcastGradientArgs", "OnesLike", "Rank", "Shape", "ShapeN", "Size",
        "TensorListElementShape", "TensorListLength", "ZerosLike",
    }
)  # fmt: skip
"""Operations whose results depend on the shapes of their arguments, not on the values."""
_OF_INDICES = frozenset({"AddV2", "Cast", "Less", "SelectV2"})
"""The operations that Keras applies to an index before it looks it up in a table."""
_CHANGES = frozenset({"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"})
"""Operations that change a variable, e.g. the state of a random generator or a moving average."""
_BODIES = {
    "PartitionedCall": ("f",),
    "StatefulPartitionedCall": ("f",),
    "If": ("then_branch", "else_branch"),
    "StatelessIf": ("then_branch", "else_branch"),
    "While": ("cond", "body"),
    "StatelessWhile": ("cond", "body"),
}
"""The attributes that name the functions of an operation."""

_OF_POSITIVE = frozenset(
    {("Log", "x"), ("RealDiv", "y"), ("Reciprocal", "x"), ("Rsqrt", "x"), ("Sqrt", "x")}
)
"""The arguments that are named `positive` if they are known to be so."""
Output = tuple[str, int]
"""The name of a node, and the index of one of its outputs; -1 stands for all of them."""


class Use(NamedTuple):
    """An argument of an operation whose value depends on the rows."""

    operation: str
    """The type of the TensorFlow operation, e.g. `MatMul`."""
    argument: str
    """The name of the argument, e.g. `a`."""
    dtype: str
    """The dtype of the argument; for `Cast` also the dtype of the result: `int32>float32`."""


def find_uses(graph_definition: Any, indices: Collection[int] = ()) -> frozenset[Use]:
    """Find the arguments of operations that depend on the values of a graph's inputs.

    Args:
        graph_definition: A `GraphDef`. Its resources (the weights) are not followed.
        indices: The positions of the inputs that hold only valid indices of the tables in which
            they are looked up. The arguments on the way to the table are named `valid indices`.
    """
    nodes = graph_definition.node
    inputs = [
        node.name
        for node in nodes
        if node.op == "Placeholder" and node.attr["dtype"].type != tf.resource.as_datatype_enum
    ]
    walk = _Walk({item.signature.name: item for item in graph_definition.library.function})
    walk.follow(nodes, {(name, -1) for name in inputs}, {inputs[i] for i in indices})
    return frozenset(walk.uses)


def changes_variables(graph_definition: Any) -> bool:
    """Return whether a run of a graph changes variables, so that equal rows give other results.

    Args:
        graph_definition: A `GraphDef`.
    """
    functions = graph_definition.library.function
    bodies = [graph_definition.node, *(function.node_def for function in functions)]
    return any(node.op in _CHANGES for body in bodies for node in body)


class _Walk:
    """Follows values through the nodes of a graph and of its functions."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        self.uses: set[Use] = set()
        self._functions = functions

    def follow(
        self, nodes: Sequence[Any], given: set[Output], valid: Collection[str] = ()
    ) -> set[Output]:
        """Add the uses of some tensors in nodes.

        Args:
            nodes: The nodes, in any order.
            given: The tensors that depend on the rows.
            valid: The names of the nodes among them that are valid indices.

        Returns:
            The tensors that depend on the given ones, including these.
        """
        known, size = set(given), -1
        while size < len(known):
            size = len(known)
            for node in nodes:
                known |= self._follow_node(node, known)
        names = {
            "valid indices": _find_valid(nodes, known, valid),
            "positive": find_positive(nodes),
        }
        for node in nodes:
            self._add_uses(node, known, names)
        return known

    def _follow_node(self, node: Any, known: set[Output]) -> set[Output]:
        """Return the outputs of a node that depend on known tensors."""
        given = [_depends(text, known) for text in _list_inputs(node)]
        if not any(given) or node.op in _OF_SHAPES:
            return set()
        if node.op in _BODIES:
            return {(node.name, i) for i in self._follow_bodies(node, given)}
        if node.op in self._functions:
            return {(node.name, i) for i in self._follow_function(node.op, given)}
        return {(node.name, -1)}

    def _follow_bodies(self, node: Any, given: list[bool]) -> set[int]:
        """Return the indices of the outputs that depend on the given inputs."""
        rest = given[1:] if node.op.endswith("If") else given
        while True:
            found: set[int] = set()
            for attribute in _BODIES[node.op]:
                results = self._follow_function(node.attr[attribute].func.name, rest)
                if attribute != "cond":
                    found |= results
                elif results:
                    self.uses.add(Use(node.op, "cond", "bool"))
            wider = [was or i in found for i, was in enumerate(rest)]
            if not node.op.endswith("While") or wider == rest:
                return found
            rest = wider

    def _follow_function(self, name: str, given: list[bool]) -> set[int]:
        function = self._functions[name]
        names = [item.name for item in function.signature.input_arg]
        chosen = {(item, -1) for item, is_given in zip(names, given, strict=True) if is_given}
        known = self.follow(function.node_def, chosen)
        results = [function.ret[item.name] for item in function.signature.output_arg]
        return {i for i, text in enumerate(results) if _depends(text, known)}

    def _add_uses(
        self, node: Any, known: set[Output], special: Mapping[str, Collection[str]]
    ) -> None:
        inputs = _list_inputs(node)
        given = [_depends(text, known) for text in inputs]
        if not any(given) or node.op in _OF_SHAPES or node.op in self._functions:
            return
        if node.op in _BODIES:
            if node.op.endswith("If") and given[0]:
                self.uses.add(Use(node.op, "cond", "bool"))
            return
        for (argument, dtype), text, is_given in zip(
            _list_arguments(node), inputs, given, strict=True
        ):
            if is_given:
                name = _name_argument(node.op, argument, _get_name(text), special)
                self.uses.add(Use(node.op, name, dtype))


def _name_argument(
    operation: str, argument: str, source: str, special: Mapping[str, Collection[str]]
) -> str:
    """Return the name of an argument, or the kind of its values if that is known.

    Args:
        operation: The type of the operation.
        argument: The argument's own name.
        source: The node that computes it.
        special: The names of the nodes that compute values of each kind.
    """
    takes_indices = operation in _OF_INDICES or (operation, argument) == ("GatherV2", "indices")
    if takes_indices and source in special["valid indices"]:
        return "valid indices"
    is_positive = (operation, argument) in _OF_POSITIVE and source in special["positive"]
    return "positive" if is_positive else argument


def _find_valid(nodes: Sequence[Any], known: set[Output], valid: Collection[str]) -> set[str]:
    """Return the names of the nodes that compute valid indices from valid indices."""
    found, size = set(valid), -1
    while found and size < len(found):
        size = len(found)
        for node in nodes:
            sources = {_get_name(text) for text in _list_inputs(node) if _depends(text, known)}
            if node.op in (*_OF_INDICES, "Identity") and sources and sources <= found:
                found.add(node.name)
    return found


def _list_inputs(node: Any) -> list[str]:
    return [text for text in node.input if not text.startswith("^")]


def _get_name(text: str) -> str:
    return text.split(":", maxsplit=1)[0]


def _depends(text: str, known: set[Output]) -> bool:
    """Return whether a reference such as `node:1` or `node:output:1` names a known tensor."""
    name, *rest = text.split(":")
    return (name, -1) in known or (name, int(rest[-1]) if rest else 0) in known


def _list_arguments(node: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the dtype of each argument of a node."""
    for argument in op_def_registry.get(node.op).input_arg:
        for dtype in _list_dtypes(argument, node):
            result = f">{_name_dtype(node.attr['DstT'].type)}" if node.op == "Cast" else ""
            yield argument.name, dtype + result


def _list_dtypes(argument: Any, node: Any) -> list[str]:
    if argument.type_list_attr:
        return [_name_dtype(item) for item in node.attr[argument.type_list_attr].list.type]
    kind = node.attr[argument.type_attr].type if argument.type_attr else argument.type
    count = node.attr[argument.number_attr].i if argument.number_attr else 1
    return [_name_dtype(kind)] * count


def _name_dtype(number: int) -> str:
    return str(tf.as_dtype(number).name)
