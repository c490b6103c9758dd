"""The learning of a vocabulary from 200,000 texts, beside Keras's own `adapt` on the array.

Our side reads the stored column block by block, as a training does before its first epoch. Keras
has the texts in memory. Both learn the same vocabulary. The goal is at most 1.2 times Keras's time.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.table import show
from domain.graph.adaptation import find_adaptive_layers
from domain.job.recipe import Fit
from tests.worker.training_tasks import Jobs, node, recipe
from worker.protocol.tasks import TrainTask
from worker.training.adaptation import adapt
from worker.training.rows.prepared import prepare_data

TEXTS = 200_000
WORDS = 20_000
TOKENS = 10_000
ROUNDS = 3
GOAL = 1.2


def draw_texts(count: int) -> list[str]:
    """Return texts of 5 to 30 words, whose frequencies fall as in a language."""
    draw = np.random.default_rng(5)
    lengths = draw.integers(5, 31, count)
    words = np.minimum(draw.zipf(1.2, int(lengths.sum())), WORDS)
    parts = np.split(words, np.cumsum(lengths)[:-1])
    return [" ".join(f"word{word}" for word in part) for part in parts]


def make_task(folder: Path, texts: list[str]) -> TrainTask:
    definition = {
        "inputs": [{"name": "x", "shape": [1], "dtype": "string"}],
        "nodes": [
            node("tokens", "TextVectorization", "x", max_tokens=TOKENS),
            node("vectors", "Embedding", "tokens", input_dim=TOKENS, output_dim=1),
            node("y", "GlobalAveragePooling1D", "vectors"),
        ],
        "outputs": ["y"],
    }
    columns = {"x": texts, "y": np.zeros((len(texts), 1))}
    return Jobs(folder).train(definition, columns, recipe("mse", metrics=[]), Fit(epochs=1))


def learn(task: TrainTask) -> list[str]:
    """Learn the vocabulary as a training process does."""
    data = prepare_data(task)
    known = adapt(task, data.make_feed(data.training))
    (item,) = find_adaptive_layers(task.blueprint.definition)
    made: Any = next(n for n in known.definition.nodes if n.name == item.name)
    vocabulary: list[str] = made.layer.config["vocabulary"]
    return vocabulary


def learn_by_keras(texts: Any) -> list[str]:
    """Learn the vocabulary by `adapt` on the array."""
    layer = keras.layers.TextVectorization(max_tokens=TOKENS)
    layer.adapt(texts)
    vocabulary: list[str] = layer.get_vocabulary(include_special_tokens=False)
    return vocabulary


def measure(run: Callable[[], list[str]]) -> tuple[float, list[str]]:
    began = time.perf_counter()
    learned = run()
    return time.perf_counter() - began, learned


def main(count: int = TEXTS) -> None:
    """Print the table and one line of JSON."""
    texts = draw_texts(count)
    array = np.array(texts, object)
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        task = make_task(Path(folder), texts)
        for _ in range(ROUNDS):
            seconds, found = measure(lambda: learn(task))
            ours.append(seconds)
            seconds, expected = measure(lambda: learn_by_keras(array))
            theirs.append(seconds)
            assert found == expected
    ratio = statistics.median(ours) / statistics.median(theirs)
    show(
        f"the vocabulary of {count:,} texts",
        [
            ("seconds, block by block from disk", statistics.median(ours)),
            ("seconds, Keras's adapt on the array", statistics.median(theirs)),
            ("ratio", ratio),
        ],
    )
    print(json.dumps({"adapt": {"ratio": round(ratio, 3), "goal": GOAL}}))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
