"""What a job's feed says is checked before the job is accepted."""

import io
from typing import Any

import numpy as np
import pytest

from tests.api.requests import faults, made
from tests.support.api_server import Server

ROWS = 12
COLUMNS: dict[str, Any] = {
    "a": [float(i) for i in range(ROWS)],
    "b": [[i, 1] for i in range(ROWS)],
    "hole": [None, *range(ROWS - 1)],
    "kind": ["x"] * 6 + ["y"] * 3 + ["z"] * 3,
    "level": [10, 20] * 6,
    "text": [f"word {i}" for i in range(ROWS)],
    "both": [[1, 1]] * ROWS,
    "words": [[1] * (1 + i % 3) for i in range(ROWS)],
}
DATA = {"shapes": {"words": [None]}, "columns": COLUMNS}
SOFTMAX = {"units": 3, "activation": "softmax"}


def request(
    shape: list[int | None], config: dict[str, Any], loss: str, feed: Any, **changes: Any
) -> dict[str, Any]:
    return {
        "graph": {
            "inputs": [{"name": "x", "shape": shape}],
            "nodes": [{"name": "y", "layer": {"type": "Dense", "config": config}, "inputs": "x"}],
            "outputs": ["y"],
        },
        "dataset": DATA,
        "compile": {"loss": loss},
        "feed": feed,
        **changes,
    }


CROSS = "categorical_crossentropy"


def test_columns_side_by_side_and_classes_are_accepted(server: Server) -> None:
    feed = {"inputs": {"x": ["a", "b"]}, "targets": {"y": "kind"}}
    job = made(server.client.post("/v1/jobs", json=request([3], SOFTMAX, CROSS, feed)), 202)
    assert job["warnings"] == []
    assert job["request"]["feed"] == feed


def test_classes_that_training_never_sees_have_a_warning(server: Server) -> None:
    feed = {"inputs": {"x": ["a", "b"]}, "targets": {"y": "kind"}}
    sent = request([3], SOFTMAX, CROSS, feed, fit={"validation_split": 0.25})
    (warning,) = made(server.client.post("/v1/jobs", json=sent), 202)["warnings"]
    assert "'z'" in warning
    assert "never sees it" in warning
    stored = made(server.client.post("/v1/datasets", json=DATA))["id"]
    same = made(server.client.post("/v1/jobs", json={**sent, "dataset": stored}), 202)
    assert same["warnings"] == [warning]


@pytest.mark.parametrize(
    ("shape", "config", "loss", "feed", "place", "words"),
    [
        ([3], {"units": 2, "activation": "softmax"}, CROSS, {"targets": {"y": "kind"}},
         "/feed/targets/y", "3 classes, from 'x' to 'z'; output 'y' has 2 units"),
        ([3], SOFTMAX, CROSS, {"targets": {"y": "kind"}, "classes": {"kind": ["x", "y"]}},
         "/feed/classes/kind", "'z', which is no class"),
        ([3], {"units": 1}, "mse", {"targets": {"y": "a"}, "inputs": {"x": ["a", "b", "hole"]}},
         "/feed/inputs/x", "missing values"),
        ([3], {"units": 1}, "mse", {"targets": {"y": "a"}, "inputs": {"x": ["a", "text"]}},
         "/feed/inputs/x", "one kind"),
        ([3], {"units": 1}, "mse", {"targets": {"y": "a"}, "inputs": {"x": ["a", "nix"]}},
         "/feed/inputs/x/1", "There is no column 'nix'"),
        ([3], {"units": 1}, "mse", {"targets": {"y": "a"}, "inputs": {"z": "a"}},
         "/feed/inputs/z", "There is no input 'z'; the inputs are 'x'"),
        ([3], {"units": 1}, "mse", {"targets": {"y": "a"}, "inputs": ["a", "b"]},
         "/feed/inputs", 'write {"x": [...]}'),
        ([13, 3], {"units": 1}, "mse", {"targets": {"y": "a"}, "window": {"length": 13}},
         "/feed/window/length", "need 14 consecutive rows"),
        ([2, 3], {"units": 1}, "mse",
         {"targets": {"y": "a"}, "window": {"length": 2, "group": "q"}},
         "/feed/window/group", "There is no column 'q'"),
        ([3], {"units": 1}, "mse", {"targets": {"y": "a"}, "missing": {"nix": 0}},
         "/feed/missing/nix", "does not read"),
        ([3], {"units": 1}, "mse", {"targets": {"y": "a"}, "bucket": True},
         "/feed/bucket", "differ in length"),
    ],
)  # fmt: skip
def test_feeds_that_do_not_fit_are_refused_at_their_place(
    server: Server,
    shape: list[int | None],
    config: dict[str, Any],
    loss: str,
    feed: dict[str, Any],
    place: str,
    words: str,
) -> None:
    inputs = {"inputs": {"x": ["a", "b"]}}
    sent = request(shape, config, loss, {**inputs, **feed})
    found = faults(server.client.post("/v1/jobs", json=sent))
    assert words in found[place]
    assert not any(pointer.startswith("/compile") for pointer in found)


def test_text_under_another_loss_is_refused(server: Server) -> None:
    feed = {"inputs": {"x": ["a", "b"]}, "targets": {"y": "kind"}}
    found = faults(server.client.post("/v1/jobs", json=request([3], {"units": 1}, "mse", feed)))
    assert "text is encoded as classes" in found["/compile/loss"]


def test_the_first_row_that_is_not_finite_is_named(server: Server) -> None:
    content = io.BytesIO()
    x = np.ones((9, 3))
    x[4, 1] = np.inf
    np.savez(content, x=x, y=np.zeros(9))
    headers = {"Content-Type": "application/x-npz"}
    answer = server.client.post("/v1/datasets", content=content.getvalue(), headers=headers)
    sent = request([3], {"units": 1}, "mse", {}, dataset=made(answer)["id"])
    (warning,) = made(server.client.post("/v1/jobs", json=sent), 202)["warnings"]
    assert "row 4, counted from 0" in warning
