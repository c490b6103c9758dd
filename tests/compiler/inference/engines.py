"""The engine that answers for a model, and Keras alone, which computes layer by layer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import tensorflow as tf
from keras.src.layers.preprocessing.data_layer import DataLayer

from compiler.inference.forward import Array, Arrays, Forward
from compiler.inference.graph_operations import find_uses
from compiler.inference.onnx import export_onnx
from compiler.inference.onnx_operations import find_differing, needs_finite_values
from compiler.model.build import BuiltModel, build
from domain.errors import Invalid
from domain.job.inputs import find_embedding_sizes
from tests.compiler.graphs import blueprint
from tests.compiler.inference.edge_rows import find_differences
from tests.compiler.inference.test_predict import store

STEP = 1e-6
DRAWS = 3
"""Changes of the inputs; a single one may hardly change an output."""
MOST_SINGLE_ROWS = 40
"""The most rows that are computed alone if Keras cannot compute their batch."""


class Engine:
    """Answers for a model as the service does, by ONNX if that is allowed, or else by Keras."""

    def __init__(self, built: BuiltModel, folder: Path) -> None:
        self.built = built
        self._forward = Forward(built.model)
        self._inputs = built.blueprint.definition.inputs
        self._sizes = find_embedding_sizes(built.blueprint.definition)
        positions = [i for i, item in enumerate(self._inputs) if item.name in self._sizes]
        uses = find_uses(self._forward.definition, positions)
        self.takes_non_finite = not needs_finite_values(uses)
        differing = find_differing(uses)
        self.reason: str | None = None if differing is None else str(differing)
        """Why Keras answers; None if ONNX does."""
        self.session = self._export(folder) if differing is None else None

    def _export(self, folder: Path) -> Any:
        report = export_onnx(*store(self.built, folder), str(folder / "model.onnx"))
        self.reason = report.reason
        if report.reason is not None:
            return None
        return onnxruntime.InferenceSession(
            folder / "model.onnx", providers=["CPUExecutionProvider"]
        )

    def answer(self, batch: list[Array]) -> Arrays:
        """Return the outputs of a batch by name."""
        if self.session is None:
            return self._forward(batch)
        outputs = [item.name for item in self.session.get_outputs()]
        names = [item.name for item in self._inputs]
        found = self.session.run(outputs, dict(zip(names, batch, strict=True)))
        return dict(zip(outputs, found, strict=True))

    def limit(self, batch: list[Array]) -> list[Array]:
        """Keep the indices of an Embedding in its range: predictions refuse others."""
        return [
            np.clip(array, 0, self._sizes[item.name] - 1)
            if item.name in self._sizes and array.dtype != bool
            else array
            for array, item in zip(batch, self._inputs, strict=True)
        ]


def open_engine(definition: dict[str, Any], folder: Path) -> Engine | None:
    """Return the engine of a graph, or None if the graph is refused."""
    try:
        built = build(blueprint(definition), seed=7)
    except Invalid:
        return None
    return Engine(built, folder)


def compute_in_keras(model: Any, batch: list[Array]) -> Arrays:
    """Call a model on tensors, outside any TensorFlow graph.

    Augmentations of other numbers than float32 are the exception: Keras casts them to the dtype
    that the layer states in a graph only. What `Model.predict` computes counts for them.
    """
    tensors = [tf.constant(x, item.dtype) for x, item in zip(batch, model.inputs, strict=True)]
    is_float32 = all(item.dtype == "float32" for item in model.inputs)
    if not is_float32 and any(isinstance(item, DataLayer) for item in model._flatten_layers()):
        outputs: Arrays = model.predict_on_batch(tensors)
        return outputs
    computed = model(tensors, training=False)
    return {name: np.asarray(value) for name, value in computed.items()}


def find_wrong_rows(
    engine: Engine, batch: list[Array], *, is_exact: bool, allowed: float = 0.0
) -> Iterator[str]:
    """Compare the engine's answers to a batch with those of Keras.

    Args:
        engine: The engine.
        batch: An array of shape (rows, ...) for each input.
        is_exact: Whether each difference counts. Otherwise only those count that do not come from
            a change of the inputs by 1e-6 of their values.
        allowed: The difference of floats that is allowed beyond the tolerance of their dtype.

    Yields:
        A description of each output that differs.
    """
    batch = engine.limit(batch)
    wanted, found = _try(compute_in_keras, engine.built.model, batch), _try(engine.answer, batch)
    if wanted is None and engine.session is None:
        return  # in a graph, TensorFlow gives an empty result where a call raises an error
    if wanted is None or found is None:
        yield from _find_wrong_single_rows(engine, batch, is_exact, allowed, wanted is found)
        return
    places = {name: find_differences(wanted[name], array, allowed) for name, array in found.items()}
    if not is_exact and any(map(len, places.values())):
        slack = _measure_slack(engine.built.model, batch, wanted)
        places = {
            n: find_differences(wanted[n], array, slack[n] + allowed) for n, array in found.items()
        }
    for name, indices in places.items():
        if len(indices):
            first = tuple(indices[0])
            rows = [array[first[0]].ravel()[:4] for array in batch]
            yield f"{name}: {len(indices)}, {rows}, {wanted[name][first]}, {found[name][first]}"


def _find_wrong_single_rows(
    engine: Engine, batch: list[Array], is_exact: bool, allowed: float, is_alike: bool
) -> Iterator[str]:
    """Compare rows alone: one of them may be the reason why the others are not computed."""
    count = len(batch[0])
    if count == 1:
        if not is_alike:
            yield f"one engine cannot compute {[array.ravel()[:4] for array in batch]}"
        return
    for i in np.linspace(0, count - 1, min(count, MOST_SINGLE_ROWS)).astype(int):
        row = [array[i : i + 1] for array in batch]
        yield from find_wrong_rows(engine, row, is_exact=is_exact, allowed=allowed)


def _try(function: Any, *arguments: Any) -> Arrays | None:
    try:
        result: Arrays = function(*arguments)
    except Exception:
        return None
    return result


def _measure_slack(model: Any, batch: list[Array], wanted: Arrays) -> Arrays:
    """Measure how much each output changes if the floats among the inputs change a little.

    A sum, or a pixel between others, is as inexact as the largest value of its row.
    """
    draw = np.random.default_rng(0)
    slack = {name: np.zeros(array.shape) for name, array in wanted.items()}
    for _ in range(DRAWS):
        changed = compute_in_keras(model, _move(batch, draw))
        for name, array in wanted.items():
            slack[name] = np.maximum(slack[name], _subtract(array, changed[name]))
    largest = STEP * _find_largest(batch)

    def has_rows(array: Array) -> bool:
        return array.ndim > 0 and len(array) == len(largest)

    return {
        name: array + (_spread(largest, array.ndim) if has_rows(array) else largest.max())
        for name, array in slack.items()
    }


def _find_largest(batch: list[Array]) -> Array:
    """Return the largest finite magnitude in each row, of shape (rows,)."""
    largest = np.zeros(len(batch[0]))
    for array in batch:
        flat = np.abs(array.astype(np.float64)).reshape(len(array), -1)
        largest = np.maximum(largest, np.where(np.isfinite(flat), flat, 0).max(axis=1))
    return largest


def _spread(rows: Array, rank: int) -> Array:
    return rows.reshape(-1, *[1] * (rank - 1))


def _move(batch: list[Array], draw: np.random.Generator) -> list[Array]:
    return [
        array
        if array.dtype.kind not in "fV"
        else (array * (1 + draw.uniform(-STEP, STEP, array.shape))).astype(array.dtype)
        for array in batch
    ]


def _subtract(one: Array, other: Array) -> Array:
    """Return the differences of floats: infinite if one value alone is finite."""
    if one.dtype.kind not in "fV":
        return np.zeros(one.shape)
    wide, changed = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(all="ignore"):
        difference: Array = np.abs(wide - changed)
    difference[~np.isfinite(wide) & ~np.isfinite(changed)] = 0
    difference[~np.isfinite(difference)] = np.inf
    return difference
