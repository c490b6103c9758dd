"""Lets layers learn their state from the training rows, before the model is built.

Each layer learns from what reaches it, so the layers before it have learned theirs. The state goes
into the model's definition, from which every other use of the model takes it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

from compiler.adaptation import fill_placeholders, fill_states
from compiler.catalogue.layers import CATALOGUE
from compiler.model.build import build
from compiler.model.weights import copy_sources
from domain.graph.adaptation import (
    AdaptiveLayer,
    cut,
    find_adaptive_layers,
    find_ancestors,
    get_output_mode,
)
from domain.graph.language import Blueprint, KerasLayer
from domain.graph.walk import Place
from domain.json.pointer import pointer
from worker.protocol.tasks import TrainTask
from worker.training.errors import CannotTrain
from worker.training.moments import Moments
from worker.training.rows.feed import Feed

BATCH_ROWS = 4096
"""Rows that reach a layer in one step; the number decides the last bits of a state."""
State = Mapping[str, Any]
"""The arguments of a layer that hold its state."""
Batches = Iterator[np.ndarray[Any, Any]]


def learns_states(task: TrainTask) -> bool:
    """Returns whether layers of the model learn their state from the training rows."""
    return bool(task.summary.adapts) and task.initial_weights is None


def adapt(task: TrainTask, feed: Feed) -> Blueprint:
    """Returns the task's blueprint, with the states that its layers learned.

    Args:
        task: The task.
        feed: The training rows.

    Raises:
        CannotTrain: A layer cannot learn from these rows.
    """
    states: dict[Place, State] = {}
    blueprint = task.blueprint
    for item in find_adaptive_layers(blueprint.definition):
        known = fill_placeholders(fill_states(blueprint, states))
        batches = _list_batches(task, known, item, feed)
        states[item.place] = _learn(item, _check(item, batches, task), task.graph_place)
    return fill_states(blueprint, states)


def _check(item: AdaptiveLayer, batches: Batches, task: TrainTask) -> Batches:
    """Yields batches.

    Raises:
        CannotTrain: There is none.
    """
    is_empty = True
    for batch in batches:
        is_empty = False
        yield batch
    if is_empty:
        detail = f"'{item.name}' has no value to learn from: all training rows are empty."
        raise CannotTrain(detail, task.graph_place + pointer(*item.place))


def _list_batches(
    task: TrainTask, blueprint: Blueprint, item: AdaptiveLayer, feed: Feed
) -> Batches:
    """Yields what reaches a layer at its first call, then at the next; in blocks of rows.

    The rows of a block have equal lengths, so that the layer learns nothing from padding.
    """
    for text in item.list_inputs():
        compute = _make_function(task, blueprint, text)
        names = find_ancestors(blueprint.definition, [text])
        for start in range(0, feed.rows, BATCH_ROWS):
            rows = np.arange(start, min(start + BATCH_ROWS, feed.rows))
            for part in feed.split_by_length(rows, names):
                yield compute(feed.read_inputs(part))


def _make_function(
    task: TrainTask, blueprint: Blueprint, text: str
) -> Callable[[tuple[Any, ...]], np.ndarray[Any, Any]]:
    """Returns a function from the inputs, in graph order, to one tensor of the graph."""
    names = blueprint.definition.input_names()
    if text in names:
        position = names.index(text)
        axes = 1 + len(blueprint.definition.inputs[position].shape)
        return lambda inputs: _add_axis(np.asarray(inputs[position]), axes)
    part = cut(blueprint.definition, [text])
    built = build(blueprint.model_copy(update={"definition": part}), task.seed)
    copy_sources(built, {id_: load_file(path) for id_, path in task.source_weights.items()})
    positions = [names.index(name) for name in part.input_names()]
    run = tf.function(
        lambda *inputs: built.model(list(inputs), training=False), reduce_retracing=True
    )

    def compute(inputs: tuple[Any, ...]) -> np.ndarray[Any, Any]:
        outputs = run(*(inputs[position] for position in positions))
        return np.asarray(next(iter(outputs.values())))

    return compute


def _add_axis(array: np.ndarray[Any, Any], axes: int) -> np.ndarray[Any, Any]:
    """Returns a column of single numbers as rows of one number, as Keras feeds it to an input."""
    return array[:, np.newaxis] if array.ndim < axes else array


def _learn(item: AdaptiveLayer, batches: Batches, graph_place: str) -> State:
    """Returns the state that a layer learns from batches."""
    if item.layer.type == "Normalization":
        return _learn_moments(item.layer, batches)
    layer = _make_layer(item.layer)
    for batch in batches:
        layer.update_state(batch if batch.ndim > 1 else batch[:, np.newaxis])
    layer.finalize_state()
    if item.layer.type == "Discretization":
        boundaries = [float(value) for value in layer.bin_boundaries]
        most = int(layer.num_bins) - 1  # Keras gives one more if 1 / (1 / num_bins) > num_bins
        return {"bin_boundaries": boundaries[:most], "num_bins": None}
    vocabulary = [_to_json(token) for token in _get_vocabulary(layer)]
    if not vocabulary:
        detail = f"'{item.name}' finds no token in the training rows; all of them are empty."
        raise CannotTrain(detail, graph_place + pointer(*item.place))
    return {"vocabulary": vocabulary, **_get_weights(item.layer, layer, len(vocabulary))}


def _learn_moments(layer: KerasLayer, batches: Batches) -> State:
    axis: Any = layer.config.get("axis", -1)
    moments: Moments | None = None
    for batch in batches:
        moments = moments or Moments(batch.ndim, axis)
        moments.add(batch)
    assert moments is not None, "a training has rows"
    return {
        "mean": np.float32(moments.mean).tolist(),
        "variance": np.float32(moments.variance).tolist(),
    }


def _make_layer(layer: KerasLayer) -> Any:
    entry = CATALOGUE[layer.type]
    return entry.cls(**{name: entry.read(name, value) for name, value in layer.config.items()})


def _get_vocabulary(layer: Any) -> list[Any]:
    tokens: list[Any] = layer.get_vocabulary(include_special_tokens=False)
    return tokens


def _get_weights(kind: KerasLayer, layer: Any, tokens: int) -> State:
    """Returns the inverse document frequency of each token, if the layer weighs tokens by it."""
    if get_output_mode(kind) != "tf_idf":
        return {}
    lookup = getattr(layer, "_lookup_layer", layer)
    start = len(lookup.get_vocabulary()) - tokens
    weights = np.asarray(lookup.idf_weights_const)[start : start + tokens]
    return {"idf_weights": weights.astype(np.float64).tolist()}


def _to_json(token: Any) -> Any:
    return int(token) if isinstance(token, int | np.integer) else str(token)
