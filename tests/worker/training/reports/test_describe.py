"""How outputs are read, by loss, activation and target."""

from typing import Any

import pytest

from compiler.model.build import build
from domain.check import ColumnSpec
from domain.graph.language import Blueprint
from domain.job.recipe import Component, OutputRecipe, Recipe
from tests.worker.training_tasks import node
from worker.training.reports.describe import describe_outputs
from worker.training.reports.output import NoReport, OutputSpec


def describe(
    units: int,
    activation: str,
    target: list[int | None],
    dtype: str = "float32",
    shape: tuple[int | None, ...] = (4,),
    **fields: Any,
) -> OutputSpec | NoReport:
    """Describes the output of a Dense layer."""
    definition = {
        "inputs": [{"name": "x", "shape": list(shape)}],
        "nodes": [node("y", "Dense", "x", units=units, activation=activation)],
        "outputs": ["y"],
    }
    built = build(Blueprint.model_validate({"definition": definition}), seed=0)
    part = OutputRecipe(target="t", **fields)
    recipe = Recipe(optimizer="sgd", jit_compile=False, inputs={}, outputs={"y": part})
    return describe_outputs(recipe, built, {"y": ColumnSpec(dtype=dtype, shape=target)})["y"]


def loss(kind: str, **config: Any) -> Component:
    return Component(type=kind, config=config)


LOGITS = loss("BinaryCrossentropy", from_logits=True)
SPARSE = loss("SparseCategoricalCrossentropy", from_logits=True)
SPARSE_LOGITS = loss("SparseCategoricalCrossentropy", from_logits=True, ignore_class=9)


@pytest.mark.parametrize(
    ("units", "activation", "target", "chosen", "expected"),
    [
        (1, "sigmoid", [], "binary_crossentropy", OutputSpec("binary")),
        (1, "sigmoid", [1], "bce", OutputSpec("binary")),
        (1, "sigmoid", [], "crossentropy", OutputSpec("binary")),
        (1, "linear", [], LOGITS, OutputSpec("binary", scores="logit")),
        (1, "tanh", [], "hinge", OutputSpec("binary", scores="raw")),
        (3, "sigmoid", [3], "binary_focal_crossentropy", OutputSpec("labels", 3, -1)),
        (3, "sigmoid", [3], "dice", OutputSpec("labels", 3, -1)),
        (3, "softmax", [3], "dice", OutputSpec("classes", 3, -1)),
        (3, "softmax", [3], "categorical_crossentropy", OutputSpec("classes", 3, -1)),
        (3, "linear", [3], "categorical_hinge", OutputSpec("classes", 3, -1, "raw")),
        (2, "softmax", [2], "categorical_crossentropy", OutputSpec("binary", 2, -1)),
        (1, "linear", [], "mse", OutputSpec("numbers", 1, -1, "raw")),
        (3, "linear", [3], "huber", OutputSpec("numbers", 3, -1, "raw")),
        (3, "linear", [3], "kl_divergence", OutputSpec("numbers", 3, -1, "raw")),
        (200, "linear", [200], "mae", OutputSpec("numbers", scores="raw")),
    ],
)
def test_losses(
    units: int, activation: str, target: list[int | None], chosen: Any, expected: OutputSpec
) -> None:
    assert describe(units, activation, target, loss=chosen) == expected


@pytest.mark.parametrize(
    ("units", "activation", "target", "losses", "expected"),
    [
        (1, "sigmoid", [], ["mse", "bce"], OutputSpec("binary")),
        (1, "linear", [], ["mae", LOGITS], OutputSpec("binary", scores="logit")),
        (3, "softmax", [3], ["categorical_crossentropy", "mse"], OutputSpec("classes", 3, -1)),
        (1, "linear", [], ["mse", "mae"], OutputSpec("numbers", 1, -1, "raw")),
        (3, "linear", [], ["circle", SPARSE], OutputSpec("classes", 3, -1, "logit", True)),
    ],
)
def test_of_several_losses_the_first_one_on_classes_decides(
    units: int, activation: str, target: list[int | None], losses: list[Any], expected: OutputSpec
) -> None:
    first, *others = losses
    found = describe(
        units, activation, target, loss=first, other_losses=others, part_weights=[0.5, 0.5]
    )
    assert found == expected


def test_class_indices() -> None:
    found = describe(3, "linear", [], "int32", loss=SPARSE_LOGITS, classes=["a", "b", "c"])
    assert found == OutputSpec("classes", 3, -1, "logit", True, 9, ["a", "b", "c"])


def test_steps() -> None:
    found = describe(5, "softmax", [6], "int32", (6, 4), loss="sparse_categorical_crossentropy")
    assert found == OutputSpec("classes", 5, -1, indices=True)


@pytest.mark.parametrize(
    ("units", "activation", "metrics", "expected"),
    [
        (1, "sigmoid", ["mae", "accuracy"], OutputSpec("binary")),
        (1, "sigmoid", [loss("AUC")], OutputSpec("binary")),
        (1, "linear", ["mae"], OutputSpec("numbers", 1, -1, "raw")),
    ],
)
def test_an_output_without_a_loss_is_read_by_a_metric(
    units: int, activation: str, metrics: list[Any], expected: OutputSpec
) -> None:
    assert describe(units, activation, [], metrics=metrics) == expected
    assert describe(units, activation, [], weighted_metrics=metrics) == expected


def test_outputs_without_a_report() -> None:
    for chosen in ("ctc", "circle"):
        assert isinstance(describe(3, "linear", [], "int32", loss=chosen), NoReport)
    assert describe(1, "linear", [], loss=None) != NoReport("It has no target.")
    definition = {
        "inputs": [{"name": "x", "shape": [2]}],
        "nodes": [node("y", "Dense", "x", units=1)],
        "outputs": ["y"],
    }
    built = build(Blueprint.model_validate({"definition": definition}), seed=0)
    recipe = Recipe(optimizer="sgd", jit_compile=False, inputs={}, outputs={"y": OutputRecipe()})
    assert describe_outputs(recipe, built, {}) == {"y": NoReport("It has no target.")}
