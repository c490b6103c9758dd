"""The example request bodies, and data for them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load

EXAMPLES = Path(__file__).parents[2] / "openapi" / "examples"


def example(name: str) -> dict[str, Any]:
    """One of `openapi/examples/`, of the form `{"graph": ..., "job": ...}`."""
    body: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return body


def tensors(content: bytes) -> dict[str, Any]:
    """The arrays of a safetensors file by name."""
    arrays: dict[str, Any] = load(content)
    return arrays


def same(one: bytes, other: bytes) -> bool:
    """Whether two safetensors files hold the same tensors, bit for bit."""
    first, second = tensors(one), tensors(other)
    return first.keys() == second.keys() and all(
        first[key].tobytes() == second[key].tobytes() for key in first
    )


def dense_data(rows: int = 96) -> dict[str, Any]:
    """Data of model 1: images of shape (rows, 784) and one-hot classes of shape (rows, 10)."""
    draw = np.random.default_rng(1)
    pictures = draw.random((rows, 784)).round(3)
    digits = draw.integers(0, 10, rows)
    return {"picture": pictures, "digit": np.eye(10, dtype=int)[digits]}


def headlines(rows: int = 96) -> dict[str, Any]:
    """Data of model 2: word indices, five numbers and a label for each row."""
    draw = np.random.default_rng(2)
    return {
        "headline": draw.integers(0, 10_000, (rows, 100)),
        "extra": draw.random((rows, 5)).round(3),
        "label": draw.integers(0, 2, rows),
    }


def tweets(rows: int = 16) -> dict[str, Any]:
    """Data of model 3: two sequences for each row, and whether they are by the same author."""
    draw = np.random.default_rng(3)
    return {
        "tweet_a": draw.random((rows, 140, 256)).round(2),
        "tweet_b": draw.random((rows, 140, 256)).round(2),
        "predictions": draw.integers(0, 2, rows),
    }
