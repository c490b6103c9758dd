"""Predictions of one text, by a model that ONNX cannot express: a warm Keras process answers.

One client asks for one row after the other. The yardstick is the call of the same model in a Keras
process, without HTTP: `model(...)` on the text. The goal is a median of 5 ms through HTTP.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import keras

from benchmarks.table import show
from tests.journeys.test_text import GRAPH, write_reviews
from tests.support.service import Service

REQUESTS = 300
WARM_UP = 20
GOAL_MS = 5.0


def train(service: Service) -> str:
    """Train the text classifier of the tests and return the id of its model."""
    texts, moods = write_reviews(600)
    job = service.trained(
        graph=GRAPH,
        dataset=service.dataset({"text": texts, "mood": moods}),
        compile={"loss": "binary_crossentropy"},
        fit={"epochs": 1},
        seed=3,
    )
    model: str = job["model"]
    return model


def measure_ms(ask: Callable[[str], object], texts: list[str]) -> float:
    """Return the median time of a call in milliseconds."""
    times: list[float] = []
    for number in range(WARM_UP + REQUESTS):
        began = time.perf_counter()
        ask(texts[number % len(texts)])
        times.append(time.perf_counter() - began)
    return 1_000 * statistics.median(times[WARM_UP:])


def main() -> None:
    """Print the table and one line of JSON."""
    texts, _ = write_reviews(100)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        service = Service(folder / "service")
        try:
            model = train(service)
            file = folder / "model.keras"
            file.write_bytes(service.file(model, "model.keras"))

            def ask(text: str) -> None:
                answer = client.post(f"/v1/models/{model}:predict", json={"instances": [text]})
                assert answer.status_code == 200, answer.text

            with httpx.Client(base_url=service.address, timeout=60) as client:
                served = measure_ms(ask, texts)
        finally:
            service.stop()
        loaded = keras.saving.load_model(file)
        called = measure_ms(lambda text: loaded(keras.ops.convert_to_tensor([text])), texts)
    rows = [("ms through HTTP, median", served), ("ms of the model alone, median", called)]
    show("predictions of one text", [*rows, ("ratio", served / called)])
    print(json.dumps({"text_predictions": {"p50_ms": round(served, 2), "goal_ms": GOAL_MS}}))


if __name__ == "__main__":
    main()
