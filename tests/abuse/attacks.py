"""Bodies with one suspicious layer, as a graph and as Keras's own JSON."""

import base64
import marshal
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def graph(node: Json, shape: list[Any] | None = None, dtype: str = "float32") -> Json:
    """A graph with one input `x` and one node `n`, which is its output."""
    item = {"name": "x", "shape": [4] if shape is None else shape, "dtype": dtype}
    return {"inputs": [item], "nodes": [{"name": "n", "inputs": "x", **node}], "outputs": ["n"]}


def layer(type_: str, config: Json, shape: list[Any] | None = None, dtype: str = "float32") -> Json:
    """A graph that calls one layer."""
    return graph({"layer": {"type": type_, "config": config}}, shape, dtype)


def op(name: str, config: Json, shape: list[Any] | None = None, dtype: str = "float32") -> Json:
    """A graph that calls one function of `keras.ops`."""
    return graph({"op": name, "config": config}, shape, dtype)


def chain(length: int) -> list[Json]:
    """Nodes `n0`, `n1`, ... each of which takes the previous one."""
    dense = {"type": "Dense", "config": {"units": 2}}
    return [
        {"name": f"n{i}", "layer": dense, "inputs": f"n{i - 1}" if i else "x"}
        for i in range(length)
    ]


def nested(depth: int, calls: int = 1) -> Json:
    """Nested graphs, each of which calls the next one `calls` times in a row."""
    definition = layer("Dense", {"units": 4})
    for _ in range(depth - 1):
        nodes = [
            {"name": f"n{i}", "layer": "inner", "inputs": f"n{i - 1}" if i else "x"}
            for i in range(calls)
        ]
        definition = {
            "inputs": definition["inputs"],
            "layers": {f"inner{depth}": {"type": "Graph", "graph": definition}},
            "nodes": nodes,
            "outputs": [f"n{calls - 1}"],
        }
        depth -= 1
        for node in nodes:
            node["layer"] = next(iter(definition["layers"]))
    return definition


def tensor(source: str) -> Json:
    """The reference to a layer's output in Keras's JSON."""
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": [source, 0, 0]},
    }


def keras_json(class_name: str, config: Json, **fields: Any) -> Json:
    """The JSON that `model.to_json()` gives for a model whose second layer is suspicious."""
    name = config.get("name", "n")
    first: Json = {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [None, 4], "dtype": "float32", "sparse": False, "name": "x"},
        "registered_name": None,
        "name": "x",
        "inbound_nodes": [],
    }
    second = {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [{"args": [tensor("x")], "kwargs": {}}],
        **fields,
    }
    model = {
        "name": "model",
        "trainable": True,
        "layers": [first, second],
        "input_layers": [["x", 0, 0]],
        "output_layers": [[name, 0, 0]],
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": model,
        "registered_name": "Functional",
    }


def bytecode(proof: Path) -> Json:
    """A marshalled function, as Keras's Lambda saves it, that would create `proof`."""
    code = compile(f"open({str(proof)!r}, 'w').close()", "<lambda>", "exec")
    text = base64.b64encode(marshal.dumps(code)).decode()
    config = {"code": text, "defaults": None, "closure": None}
    return {"class_name": "__lambda__", "config": config}


def function(module: str, name: str) -> Json:
    """A function with its module, as Keras's JSON names it."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}
