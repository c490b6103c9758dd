"""Every function of `keras.ops` as a node equals the function called directly."""

import resource
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from compiler.catalogue.op_faults import find_op_faults
from compiler.catalogue.ops import LEFT_OUT, OPS
from compiler.check import check
from compiler.model.op_calls import call_op
from compiler.model.size_limits import SizeCounter
from compiler.model.tensors import NodeTensors, Tensors
from compiler.summary import summarize
from domain.check import CheckRequest, SizeLimits
from domain.graph.language import OpNode
from tests.compiler.graphs import blueprint, build_graph, find_faults, graph, layer, nested, node
from tests.compiler.op_samples import SAMPLES, Sample, Tensor


def test_every_operation_has_a_sample() -> None:
    assert {sample.op for sample in SAMPLES} == set(OPS)
    assert not LEFT_OUT.keys() & set(OPS)


def _name_tensors(sample: Sample) -> dict[str, Tensor]:
    """Return the tensors by the name of their input: `x`, or `x_0` and `x_1` for a list."""
    named: dict[str, Tensor] = {}
    for parameter, given in sample.inputs.items():
        if isinstance(given, Tensor):
            named[parameter] = given
        else:
            named |= {f"{parameter}_{n}": tensor for n, tensor in enumerate(given)}
    return named


def _build_model(sample: Sample) -> Any:
    """Return a model of one node with the name `add`."""
    symbols = {
        name: keras.Input(batch_shape=tensor.batch_shape, dtype=tensor.dtype, name=name)
        for name, tensor in _name_tensors(sample).items()
    }
    called = NodeTensors()
    for name, symbol in symbols.items():
        called.add(name, Tensors.of(symbol))
    inputs = {
        name: name if isinstance(given, Tensor) else [f"{name}_{n}" for n in range(len(given))]
        for name, given in sample.inputs.items()
    }
    node = OpNode(name="add", op=sample.op, inputs=inputs, config=dict(sample.config))
    assert list(find_op_faults(node, ())) == []
    result = call_op(node, "add", called, ())
    return keras.Model(list(symbols.values()), list(Tensors.of(result).all))


def _make_arguments(sample: Sample, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of Keras's function in a script."""
    given = {
        name: arrays[name]
        if isinstance(value, Tensor)
        else [arrays[f"{name}_{n}"] for n in range(len(value))]
        for name, value in sample.inputs.items()
    }
    return {**given, **sample.config}


def _call_directly(sample: Sample, arrays: dict[str, Any]) -> list[Any]:
    arguments = _make_arguments(sample, arrays)
    if sample.op == "get_item":
        return [arrays["x"][:, 0, 1:-1, None]]
    if sample.op == "einsum":
        return [keras.ops.einsum(arguments["subscripts"], *arguments["operands"])]
    if sample.op == "meshgrid":
        return keras.ops.meshgrid(*arguments["x"], indexing="ij")
    if sample.op in ("fft", "fft2", "ifft2", "irfft", "istft"):
        arguments["x"] = tuple(arguments["x"])
    arrayed = {
        name: keras.ops.convert_to_tensor(value)
        if isinstance(value, list) and OPS[sample.op].parameters[name].takes.name == "TENSOR"
        else value
        for name, value in arguments.items()
    }
    return keras.tree.flatten(OPS[sample.op].function(**arrayed))


def _run(model: Any, arrays: list[Any]) -> list[Any]:
    """Run the model and its gradient in a TensorFlow graph with unknown rows, as training does."""
    watched = [i for i, array in enumerate(arrays) if array.dtype == "float32"]

    def step(tensors: list[Any]) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([tensors[i] for i in watched])
            results = keras.tree.flatten(model(tensors, training=True))
            sums = [tf.reduce_sum(tf.cast(r, "float32")) for r in results]
        return results, [
            g for g in tape.gradient(sums, [tensors[i] for i in watched]) if g is not None
        ]

    signature = [[tf.TensorSpec(item.shape, item.dtype) for item in model.inputs]]
    results, _ = tf.function(step, input_signature=signature, autograph=False)(
        [tf.constant(array) for array in arrays]
    )
    return results


def _equal(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(
        np.shape(a) == np.shape(b)
        and np.allclose(np.array(a, "float64"), np.array(b, "float64"), atol=1e-4, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.op)
def test_operation_equals_keras_and_survives_export(sample: Sample) -> None:
    random = np.random.default_rng(0)
    arrays = {name: tensor.array(random) for name, tensor in _name_tensors(sample).items()}
    model = _build_model(sample)
    wanted = _call_directly(sample, arrays)
    got = _run(model, list(arrays.values()))
    assert _equal(got, wanted)
    for symbol, value in zip(model.outputs, got, strict=True):
        assert symbol.dtype == value.dtype.name
        assert value.shape.is_compatible_with(symbol.shape)
    reloaded = keras.models.model_from_json(model.to_json())
    assert _equal(keras.tree.flatten(reloaded(list(arrays.values()))), got)


def op(name: str, function: str, inputs: Any, **config: Any) -> dict[str, Any]:
    return {"name": name, "op": function, "inputs": inputs, "config": config}


def predict(definition: Any, *arrays: Any) -> dict[str, Any]:
    given: dict[str, Any] = build_graph(definition).model([np.array(a, "float32") for a in arrays])
    return {name: np.array(value).tolist() for name, value in given.items()}


def test_operation_takes_inputs_by_order_by_name_and_as_constants() -> None:
    nodes = [
        op("ordered", "subtract", ["a", "b"]),
        op("named", "subtract", {"x1": "b", "x2": "a"}),
        op("after", "subtract", "a", x2=1),
        op("before", "subtract", {"x2": "a"}, x1=[10.0, 20.0]),
        op("joined", "concatenate", ["a", "b", "a"], axis=-1),
        op("product", "einsum", ["a", "b"], subscripts="bi,bj->bij"),
        op("chosen", "where", {"condition": "more", "x1": "a", "x2": "b"}),
        op("more", "greater", ["a", "b"]),
    ]
    names = ["ordered", "named", "after", "before", "joined", "product", "chosen"]
    assert predict(graph({"a": [2], "b": [2]}, nodes, names), [[1, 5]], [[2, 3]]) == {
        "ordered": [[-1, 2]],
        "named": [[1, -2]],
        "after": [[0, 4]],
        "before": [[9, 15]],
        "joined": [[1, 5, 2, 3, 1, 5]],
        "product": [[[2, 3], [10, 15]]],
        "chosen": [[2, 5]],
    }


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ([":", 0], [[1, 2, 3]]),
        (["...", -1], [[3, 6]]),
        ([":", None, ":", "1:"], [[[[2, 3], [5, 6]]]]),
        ("::1", [[[1, 2, 3], [4, 5, 6]]]),
        ([":", "::-1", "0:3:2"], [[[4, 6], [1, 3]]]),
    ],
)
def test_slices_are_written_as_in_python(key: Any, wanted: Any) -> None:
    definition = graph({"x": [2, 3]}, [op("part", "get_item", "x", key=key)], ["part"])
    assert predict(definition, [[[1, 2, 3], [4, 5, 6]]]) == {"part": wanted}


def test_reference_picks_from_an_operation_with_several_tensors() -> None:
    nodes = [
        op("best", "top_k", "x", k=2),
        op("halves", "split", "x", axis=1, indices_or_sections=2),
    ]
    outputs = [{"name": "values", "from": "best:0"}, {"name": "right", "from": "halves:1"}]
    definition = graph({"x": [4]}, nodes, outputs)
    assert predict(definition, [[3, 1, 4, 2]]) == {"values": [[4, 3]], "right": [[4, 2]]}
    assert [node.shape for node in summarize(build_graph(definition)).nodes] == [
        [[None, 2]] * 2
    ] * 2
    assert [node.layer for node in summarize(build_graph(definition)).nodes] == ["top_k", "split"]
    definition["outputs"] = ["best"]
    assert "pick one: 'best:0', 'best:1'" in find_faults(definition)["/outputs/0"]


def test_names_of_layers_and_operations_do_not_collide() -> None:
    """Keras itself would name the first operation `add`, like the layer."""
    inner = graph({"x": [2]}, [op("add", "add", "x", x2=1.0)], ["add"])
    nodes = [
        node("add", layer("Add"), ["x", "multiply"]),
        op("multiply", "add", "x", x2=1.0),
        op("add_1", "multiply", ["add", "multiply"]),
        node("once", "twice", "add_1"),
        node("again", "twice", "once"),
        node("each", layer("TimeDistributed", layer="twice"), "many"),
    ]
    definition = graph({"x": [2], "many": [1, 2]}, nodes, ["again", "each"], twice=nested(inner))
    wanted = {"again": [[8, 17]], "each": [[[6, 7]]]}
    arrays = [np.array([[1.0, 2.0]]), np.array([[[5.0, 6.0]]])]
    assert predict(definition, *arrays) == wanted
    reloaded = keras.models.model_from_json(build_graph(definition).model.to_json())(arrays)
    assert {name: np.array(value).tolist() for name, value in reloaded.items()} == wanted


def test_faults_of_operations_and_layers_are_found_at_once() -> None:
    inner = graph({"y": [3]}, [op("n", "mean", "y", axes=1)], ["n"])
    definition = graph(
        {"x": [3]},
        [
            node("a", layer("Dense", units=0), "x"),
            op("b", "meen", "a"),
            op("c", "mean", "b", axis="last", keepdims=1, dtyp="int32"),
            op("d", "map", "c"),
            node("e", nested(inner), "d"),
            op("f", "add", "e"),
            op("g", "add", ["f", "f", "f"], x2=1),
            op("h", "mean", {"x": "g", "axis": "g"}),
            op("i", "concatenate", "h", xs=[1.0], axis=[[0]]),
            op("j", "reshape", "i", newshape=[1] * 33),
            op("k", "where", {"condition": ["j", "j"]}, x1=[[1], [1, 2]]),
            op("l", "get_item", "k", key=["1:2:3:4"]),
        ],
        ["l"],
    )
    found = find_faults(definition)
    assert set(found) == {
        "/nodes/0/layer/config/units", "/nodes/4/layer/graph/nodes/0/config/axes",
        "/nodes/1/op", "/nodes/2/config/axis", "/nodes/2/config/keepdims",
        "/nodes/2/config/dtyp", "/nodes/3/op", "/nodes/5/inputs/x2", "/nodes/6/inputs",
        "/nodes/6/config/x2", "/nodes/7/inputs/axis", "/nodes/8/config/xs",
        "/nodes/8/config/axis", "/nodes/9/config/newshape", "/nodes/10/inputs/condition",
        "/nodes/10/config/x1", "/nodes/11/config/key",
    }  # fmt: skip
    assert found["/nodes/1/op"] == "There is no operation 'meen'. Did you mean 'mean'?"
    assert "takes a function" in found["/nodes/3/op"]
    assert found["/nodes/5/inputs/x2"] == "'add' needs the argument 'x2'."
    assert "belongs in `config`" in found["/nodes/7/inputs/axis"]


@pytest.mark.parametrize(
    ("shape", "dtype", "node", "detail"),
    [
        ([4], "float32", op("n", "matmul", "x", x2=[[1.0], [2.0]]), "x2"),
        ([4], "float32", op("n", "bitwise_not", "x"), "float"),
        ([4], "string", op("n", "cast", "x", dtype="float32"), "'cast' takes no text."),
        ([4], "float32", op("n", "expand_dims", "x", axis=list(range(1, 32))), "at most 32 axes"),
        ([9, 2**31 - 1], "float32", op("n", "unstack", "x", axis=2), "at most 1024 tensors"),
        ([4], "float32", op("n", "squeeze", "x"), ""),
        ([4], "float32", op("n", "take", "x", indices=0.5), ""),
    ],
)
def test_calls_that_tensorflow_refuses_later_are_refused_at_the_node(
    shape: list[int | None], dtype: str, node: Any, detail: str
) -> None:
    definition = graph({"x": shape}, [node], [{"name": "o", "from": "n"}])
    definition["inputs"][0]["dtype"] = dtype
    found = find_faults(definition)
    assert list(found) == ["/nodes/0"]
    assert detail in found["/nodes/0"]


@pytest.mark.parametrize(
    "node",
    [
        op("n", "tile", "x", repeats=[1, 1, 2**20]),
        op("n", "broadcast_to", "x", shape=[2**31 - 1, 2048, 2048]),
        op("n", "one_hot", "x", num_classes=2**31 - 1),
        op("n", "pad", "x", pad_width=[[0, 0], [0, 2**20], [2**20, 0]]),
        op("n", "repeat", "x", repeats=2**20, axis=1),
        op("n", "linspace", "x", stop=1.0, num=2**31 - 1),
    ],
    ids=lambda node: node["op"],
)
def test_tensors_beyond_a_limit_are_never_computed(node: Any) -> None:
    definition = graph({"x": [2048, 2048]}, [node], ["n"])
    definition["inputs"][0]["dtype"] = "int32" if node["op"] == "one_hot" else "float32"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    request = CheckRequest(blueprint=blueprint(definition))
    answer = check(request, SizeCounter(SizeLimits(activation_bytes=2**30)))
    assert [fault.pointer for fault in answer.faults] == ["/nodes/0"]
    assert "MAX_ACTIVATION_BYTES" in answer.faults[0].detail
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_output_without_rows_is_refused() -> None:
    nodes = [op("all", "sum", "x"), op("turned", "transpose", "x"), op("kept", "add", ["x", "all"])]
    found = find_faults(graph({"x": [4]}, nodes, ["kept", "all", {"name": "t", "from": "turned"}]))
    assert list(found) == ["/outputs/1", "/outputs/2/from"]
    assert found["/outputs/2/from"].endswith("the shape of 't' is [4, null].")


def test_product_with_a_number_is_dense() -> None:
    nodes = [
        {"name": "twice", "op": "multiply", "config": {"x2": 2}, "inputs": "x"},
        node("y", layer("Softmax"), "twice"),
    ]
    made = build_graph(graph({"x": [3]}, nodes, ["y"]))
    assert not made.nodes["twice"].tensors[0].sparse


@pytest.mark.parametrize(
    ("op", "config"),
    [
        ("diagflat", {"k": 25_000}),
        ("bincount", {"minlength": 300_000_000}),
        ("tile", {"repeats": [2**20, 2**20]}),
        ("image.gaussian_blur", {"kernel_size": [150_000_001, 3]}),
    ],
)
def test_small_node_cannot_make_large_tensors(op: str, config: dict[str, Any]) -> None:
    nodes = [{"name": "y", "op": op, "config": config, "inputs": "x"}]
    found = find_faults(graph({"x": [3, 3, 3]}, nodes, ["y"]))
    assert list(found) == [f"/nodes/0/config/{next(iter(config))}"]
