"""Operations count only where they compute with values of the rows."""

from typing import Any

import keras
import tensorflow as tf

from compiler.inference.forward import Forward
from compiler.inference.graph_operations import Use, changes_variables, find_uses
from compiler.inference.onnx_operations import find_differing
from tests.compiler.graphs import build_graph, graph, layer, node


def find(function: Any, *specs: Any, indices: Any = ()) -> frozenset[Use]:
    traced = tf.function(function, input_signature=specs, autograph=False)
    return find_uses(traced.get_concrete_function().graph.as_graph_def(), indices)


def test_shapes_and_constants_do_not_count() -> None:
    def call(x: Any) -> Any:
        return tf.reshape(x, [tf.shape(x)[0] // 2, 4]) + tf.math.floordiv(tf.constant(3.0), 2.0)

    uses = find(call, tf.TensorSpec([None, 2]))
    assert {use.operation for use in uses} <= {"AddV2", "Identity", "Reshape"}
    assert Use("Reshape", "tensor", "float32") in uses


def test_operations_in_loops_and_branches_count() -> None:
    def call(x: Any) -> Any:
        halved = tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, tf.floor(y / 2.0)), [0, x])
        return tf.cond(tf.reduce_any(x > 0), lambda: tf.sin(halved[1]), lambda: halved[1])

    uses = find(call, tf.TensorSpec([None]))
    assert {"Floor", "RealDiv", "Sin", "Greater"} <= {use.operation for use in uses}
    assert Use("Less", "x", "int32") not in uses  # the counter of the loop


def test_functions_that_are_called_by_their_names_count() -> None:
    """A node whose type is the name of a function computes as a `PartitionedCall` of it does.

    A loop of `keras.ops.ctc_loss` has such nodes.
    """

    @tf.function(autograph=False)
    def inner(x: Any, y: Any) -> Any:
        return tf.sin(y), tf.floor(x)

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None])])
    def call(x: Any) -> Any:
        of_constant, of_rows = inner(x, tf.constant(1.0))
        return tf.cos(of_constant), tf.exp(of_rows)

    definition = call.get_concrete_function().graph.as_graph_def()
    expected = find_uses(definition)
    (node,) = [node for node in definition.node if node.op.endswith("PartitionedCall")]
    node.op = node.attr["f"].func.name
    node.ClearField("attr")
    assert find_uses(definition) == expected
    assert {Use("Floor", "x", "float32"), Use("Exp", "x", "float32")} <= expected
    assert {use.operation for use in expected} <= {"Floor", "Exp", "Identity"}


def test_operations_of_ctc_loss_count() -> None:
    """Its loop computes the logarithms of sums of probabilities."""
    targets, outputs = tf.TensorSpec([None, 3], tf.int32), tf.TensorSpec([None, 5, 4])

    def call(target: Any, output: Any) -> Any:
        lengths = tf.fill([tf.shape(output)[0]], 5), tf.fill([tf.shape(output)[0]], 3)
        return keras.ops.ctc_loss(target, output, lengths[1], lengths[0])

    uses = find(call, targets, outputs)
    assert {"LogSoftmax", "Exp", "Log"} <= {use.operation for use in uses}


def test_loop_that_ends_by_a_value_counts() -> None:
    def call(x: Any) -> Any:
        return tf.while_loop(lambda y: tf.reduce_sum(y) < 9.0, lambda y: (y + 1.0,), [x])[0]

    uses = find(call, tf.TensorSpec([None]))
    assert {use.argument for use in uses if use.operation.endswith("While")} == {"cond"}


def test_assignments_in_functions_are_found() -> None:
    variable = tf.Variable(1.0)

    @tf.function(autograph=False)
    def add(x: Any) -> Any:
        return tf.cond(x > 0, lambda: variable.assign_add(1.0) + x, lambda: x)

    read = tf.function(lambda x: x * variable, autograph=False)
    spec = tf.TensorSpec([])
    found = [
        changes_variables(function.get_concrete_function(spec).graph.as_graph_def())
        for function in (add, read)
    ]
    assert found == [True, False]


def test_argument_and_both_dtypes_of_a_cast_are_named() -> None:
    specs = tf.TensorSpec([4]), tf.TensorSpec([], "int64")
    uses = find(lambda x, i: tf.gather(tf.cast(x, "int32"), i), *specs)
    assert Use("Cast", "x", "float32>int32") in uses
    assert {Use("GatherV2", "params", "int32"), Use("GatherV2", "indices", "int64")} <= uses


def test_checked_indices_of_an_embedding_are_valid() -> None:
    embedding = layer("Embedding", input_dim=5, output_dim=2)
    definition = graph({"x": [3]}, [node("y", embedding, "x")], ["y"])
    definition["inputs"][0]["dtype"] = "int32"
    traced = Forward(build_graph(definition).model).definition
    assert find_differing(find_uses(traced, [0])) is None
    assert find_differing(find_uses(traced)) == Use("GatherV2", "indices", "int32")


def test_variance_and_a_small_number_are_positive() -> None:
    """The root of any other sum may be NaN."""

    def normalize(x: Any) -> Any:
        mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + 1e-3)

    spec = tf.TensorSpec([None, 4])
    assert Use("Rsqrt", "positive", "float32") in find(normalize, spec)
    assert Use("Rsqrt", "x", "float32") in find(lambda x: tf.math.rsqrt(x + 1e-3), spec)
    assert Use("Log", "positive", "float32") in find(
        lambda x: tf.math.log(tf.maximum(x, 0.1)), spec
    )
    assert Use("RealDiv", "y", "float32") in find(lambda x: x / tf.abs(x), spec)
