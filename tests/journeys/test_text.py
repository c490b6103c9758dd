"""Raw text trains, predicts and is reloaded in plain Keras; its vocabulary is learned."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.support.engines import Engine
from tests.support.example_bodies import same
from tests.support.service import Service, until

GOOD = ["fine", "superb", "lovely", "great", "charming"]
BAD = ["dull", "awful", "boring", "poor", "tedious"]
OTHER = ["the", "a", "film", "plot", "actor", "scene", "it", "was", "and", "very", "music", "end"]


def write_reviews(rows: int) -> tuple[list[str], list[str]]:
    """Texts of 6 to 14 words; the mood is that of the one word that has any."""
    draw = np.random.default_rng(11)
    texts, moods = [], []
    for _ in range(rows):
        is_good = bool(draw.random() < 0.5)
        words = [*draw.choice(OTHER, draw.integers(5, 14)), draw.choice(GOOD if is_good else BAD)]
        texts.append(" ".join(draw.permutation(words)).capitalize() + "!")
        moods.append("good" if is_good else "bad")
    return texts, moods


def node(name: str, kind: str, inputs: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "layer": {"type": kind, "config": config}, "inputs": inputs}


GRAPH = {
    "inputs": [{"name": "text", "shape": [], "dtype": "string"}],
    "nodes": [
        node("tokens", "TextVectorization", "text", max_tokens=100, output_sequence_length=16),
        node("vectors", "Embedding", "tokens", input_dim=100, output_dim=8),
        node("mean", "GlobalAveragePooling1D", "vectors"),
        node("mood", "Dense", "mean", units=1, activation="sigmoid"),
    ],
    "outputs": ["mood"],
}


@pytest.mark.slow
def test_raw_text_trains_and_predicts(service: Service, tmp_path: Path) -> None:
    texts, moods = write_reviews(600)
    job = service.trained(
        graph=GRAPH,
        dataset=service.dataset({"text": texts, "mood": moods}),
        compile={
            "optimizer": {"type": "Adam", "config": {"learning_rate": 0.05}},
            "loss": "binary_crossentropy",
            "metrics": ["accuracy"],
        },
        fit={"epochs": 15, "validation_split": 0.2},
        seed=3,
    )
    assert job["metrics"]["val_accuracy"] >= 0.95
    address = f"/v1/models/{job['model']}"
    asked = {"instances": texts[-60:]}
    answer = service.client.post(f"{address}:predict", params={"classes": "true"}, json=asked)
    assert answer.status_code == 200, answer.text
    named = answer.json()["classes"]
    assert np.mean([a == b for a, b in zip(named, moods[-60:], strict=True)]) >= 0.95

    (tmp_path / "model.keras").write_bytes(service.file(job["model"], "model.keras"))
    loaded = keras.models.load_model(tmp_path / "model.keras")
    theirs = np.asarray(loaded(keras.ops.convert_to_tensor(texts[-60:]))["mood"])
    ours = np.asarray(answer.json()["predictions"])
    assert np.allclose(np.ravel(ours), np.ravel(theirs), atol=1e-5)
    vocabulary = loaded.get_layer("tokens").get_vocabulary(include_special_tokens=False)
    assert set(vocabulary) == {*GOOD, *BAD, *OTHER}


@pytest.fixture(scope="module")
def own_service(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that these tests damage, with a short lease."""
    running = engine.service(tmp_path_factory.mktemp("texts"), LEASE_SECONDS="3")
    yield running
    running.stop()


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["training", "service"])
def test_a_training_that_is_killed_while_layers_learn_gives_the_same_model(
    own_service: Service, victim: str
) -> None:
    texts, moods = write_reviews(20_000)
    request: dict[str, Any] = {
        "graph": GRAPH,
        "dataset": own_service.dataset({"text": texts, "mood": moods}),
        "compile": {"loss": "binary_crossentropy"},
        "fit": {"epochs": 2, "batch_size": 256},
        "seed": 3,
    }
    plain = own_service.trained(**request)
    job_id = own_service.submit(**request)
    process = own_service.training_process()
    begun = process.cpu_times().user
    until(lambda: process.cpu_times().user > begun + 0.3 or None, "a layer that learns")
    assert own_service.job(job_id)["progress"]["step"] == 0
    if victim == "training":
        process.kill()
    else:
        own_service.kill()
        own_service.start()
    job = own_service.ended(job_id)
    assert (job["state"], job["attempt"], job["bit_exact"]) == ("succeeded", 2, True)
    made, expected = (own_service.file(j["model"], "model.safetensors") for j in (job, plain))
    assert same(made, expected)
    asked = {"instances": texts[:50]}
    answers = [
        own_service.client.post(f"/v1/models/{j['model']}:predict", json=asked).json()
        for j in (job, plain)
    ]
    assert answers[0]["predictions"] == answers[1]["predictions"]


def test_a_graph_names_the_layers_that_learn(service: Service) -> None:
    posted = service.client.post("/v1/graphs", json={"definition": GRAPH})
    assert posted.status_code == 201, posted.text
    assert posted.json()["summary"]["adapts"] == ["tokens"]
    built = service.client.post("/v1/jobs", json={"kind": "build", "graph": GRAPH})
    assert built.status_code == 422
    assert [fault["pointer"] for fault in built.json()["errors"]] == ["/graph/nodes/0/layer/config"]
