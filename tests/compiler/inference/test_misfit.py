"""The node that cannot compute rows of certain lengths is found without computing them."""

from typing import Any

import pytest

from compiler.inference.forward import make_forward
from compiler.inference.misfit import find_misfit
from tests.compiler.graphs import blueprint, build_graph, graph, layer, nested, node

CONV = layer("Conv2D", filters=2, kernel_size=3, padding="same")
U_NET = graph(
    {"x": [None, None, 1]},
    [
        node("wide", CONV, "x"),
        node("halved", layer("MaxPooling2D"), "wide"),
        node("deep", CONV, "halved"),
        node("doubled", layer("UpSampling2D"), "deep"),
        node("joined", layer("Concatenate"), ["wide", "doubled"]),
        node("y", layer("Conv2D", filters=1, kernel_size=1), "joined"),
    ],
    ["y"],
)
ROWS_OF_FOUR = graph({"x": [None]}, [node("y", layer("Reshape", target_shape=[-1, 4]), "x")], ["y"])


def nest(definition: dict[str, Any]) -> dict[str, Any]:
    shapes = {item["name"]: item["shape"] for item in definition["inputs"]}
    return graph(shapes, [node("inner", nested(definition), [*shapes])], ["inner"])


@pytest.mark.parametrize(
    ("definition", "lengths", "words"),
    [
        (U_NET, [13, 8, 1], ["'joined'", "13", "12"]),
        (U_NET, [8, 5, 1], ["'joined'", "5", "4"]),
        (nest(U_NET), [13, 8, 1], ["'inner'"]),
        (ROWS_OF_FOUR, [10], ["'y'"]),
    ],
)
def test_node_that_does_not_take_the_lengths_is_named(
    definition: Any, lengths: list[int], words: list[str]
) -> None:
    found = find_misfit(blueprint(definition), {"x": lengths})
    assert found is not None
    assert all(word in found for word in words), found


@pytest.mark.parametrize(
    ("definition", "lengths"),
    [(U_NET, [12, 8, 1]), (nest(U_NET), [12, 8, 1]), (ROWS_OF_FOUR, [12])],
)
def test_lengths_that_fit_have_no_misfit(definition: Any, lengths: list[int]) -> None:
    assert find_misfit(blueprint(definition), {"x": lengths}) is None


def test_finding_a_misfit_keeps_the_models_of_the_process() -> None:
    import numpy as np

    forward = make_forward(build_graph(U_NET).model)
    rows = np.random.default_rng(0).random((2, 4, 6, 1)).astype(np.float32)
    before = forward([rows])["y"]
    assert find_misfit(blueprint(U_NET), {"x": [5, 5, 1]}) is not None
    np.testing.assert_array_equal(forward([rows])["y"], before)
    again = build_graph(U_NET)
    assert make_forward(again.model)([rows[:, :2]])["y"].shape == (2, 2, 6, 1)
