"""The classes of targets, resolved before a job is accepted."""

from typing import Any

import pytest

from domain.dataset import ClassCount, Column
from domain.job.columns.classes import (
    ClassResolver,
    find_other_classes,
    find_threshold,
    find_unit_misfits,
)
from domain.job.columns.fed import describe_fed
from domain.job.job import JobRequest
from domain.job.recipe import Component, OutputRecipe, Recipe
from domain.job.resolve import resolve

KINDS = ["setosa", "versicolor", "virginica"]


def column(name: str, dtype: str, values: Any, **fields: Any) -> Column:
    classes = None if values is None else [ClassCount(value=value, count=5) for value in values]
    return Column(name=name, dtype=dtype, shape=[], min=None, max=None, classes=classes, **fields)


def resolver(
    target: Column, loss: Any, classes: Any = None, inherited: Any = None, **output: Any
) -> ClassResolver:
    feed: dict[str, Any] = {"targets": {"y": target.name}}
    if classes is not None:
        feed["classes"] = classes if isinstance(classes, dict) else {target.name: classes}
    request = JobRequest.model_validate(
        {
            "graph": "graph_" + "0" * 26,
            "dataset": "dataset_" + "0" * 26,
            "feed": feed,
            "compile": {"loss": loss, **output},
        }
    )
    x = column("x", "float64", None)
    recipe, faults = resolve(request, ["x"], ["y"], ["x", target.name])
    assert faults == []
    return ClassResolver(request, recipe, {"x": x, target.name: target}, inherited or {})


SPECIES = column("species", "string", KINDS)


@pytest.mark.parametrize(
    ("loss", "one_hot"),
    [
        ("categorical_crossentropy", True),
        ("CategoricalFocalCrossentropy", True),
        ("sparse_categorical_crossentropy", False),
        ({"type": "CategoricalGeneralizedCrossEntropy", "config": {"q": 0.5}}, False),
        ({"type": "BinaryCrossentropy"}, False),
        ("crossentropy", False),
    ],
)
def test_the_loss_decides_how_texts_are_encoded(loss: Any, one_hot: bool) -> None:
    made = resolver(SPECIES, loss)
    output = made.resolve().outputs["y"]
    assert (output.classes, output.one_hot) == (KINDS, one_hot)
    assert list(made.find_faults()) == []


def test_an_encoded_target_has_the_shape_and_the_range_of_its_classes() -> None:
    columns = {"x": column("x", "float64", None), "species": SPECIES}
    one_hot = describe_fed(resolver(SPECIES, "categorical_crossentropy").resolve(), columns)
    index = describe_fed(resolver(SPECIES, "sparse_categorical_crossentropy").resolve(), columns)
    target = one_hot.targets["y"]
    assert (target.dtype, target.shape, target.min, target.max) == ("float32", [3], 0, 1)
    target = index.targets["y"]
    assert (target.dtype, target.shape, target.min, target.max) == ("int32", [], 0, 2)


def test_given_and_inherited_classes_keep_their_order() -> None:
    given = resolver(SPECIES, "categorical_crossentropy", [*KINDS[::-1], "other"])
    assert given.resolve().outputs["y"].classes == [*KINDS[::-1], "other"]
    inherited = resolver(SPECIES, "categorical_crossentropy", inherited={"y": KINDS[::-1]})
    assert inherited.resolve().outputs["y"].classes == KINDS[::-1]
    numbers = resolver(column("n", "int64", [10, 20]), "binary_crossentropy", [20, 10])
    assert numbers.resolve().outputs["y"].classes == [20, 10]
    assert resolver(column("n", "int64", [0, 1]), "bce").resolve().outputs["y"].classes is None


@pytest.mark.parametrize(
    ("target", "loss", "classes", "place", "words"),
    [
        (SPECIES, "categorical_crossentropy", KINDS[:2], "classes", "'virginica', which is no"),
        (SPECIES, "categorical_crossentropy", ["a", "a", *KINDS], "classes", "'a' appears twice"),
        (SPECIES, "categorical_crossentropy", [1, 2], "classes", "'setosa', which is no class"),
        (SPECIES, "mse", KINDS, "classes", "takes no classes"),
        (column("t", "string", None), "categorical_crossentropy", None, "targets", "1,000"),
        (column("t", "string", ["a"]), "binary_crossentropy", None, "targets", "1 distinct"),
        (column("f", "float64", None), "bce", [1, 2], "classes", "is float64"),
        (column("b", "bool", [False, True]), "bce", [0, 1], "classes", "holds false"),
        (SPECIES, "categorical_crossentropy", {"spezies": KINDS}, "classes", "Did you mean"),
    ],
)
def test_classes_that_do_not_fit_are_refused(
    target: Column, loss: str, classes: Any, place: str, words: str
) -> None:
    (first, *_) = resolver(target, loss, classes).find_faults()
    assert first[0][:2] == ("feed", place)
    assert words in first[1]


def test_a_validation_dataset_has_no_other_classes() -> None:
    recipe = resolver(SPECIES, "categorical_crossentropy").resolve()
    other = {"x": column("x", "float64", None), "species": column("species", "string", ["rose"])}
    assert list(find_other_classes(recipe, {**other, "species": SPECIES})) == []
    ((place, detail),) = find_other_classes(recipe, other)
    assert (place, "'rose'" in detail) == (("validation_dataset",), True)


def output(classes: int, loss: str = "sparse_categorical_crossentropy") -> OutputRecipe:
    return OutputRecipe(
        loss=loss,
        target="kind",
        classes=[str(i) for i in range(classes)],
        one_hot=loss.startswith("categorical"),
    )


@pytest.mark.parametrize(
    ("part", "units", "words"),
    [
        (output(3), 3, None),
        (output(3), 5, None),
        (output(3), 2, "3 classes"),
        (output(3, "categorical_crossentropy"), 5, "output 'y' has 5 units"),
        (output(2, "binary_crossentropy"), 1, None),
        (output(3, "binary_crossentropy"), 1, "one unit"),
        (output(2, "binary_crossentropy"), 2, "need one unit"),
    ],
)
def test_units_are_compared_with_classes(part: OutputRecipe, units: int, words: str | None) -> None:
    found = list(find_unit_misfits(part, "y", [units]))
    assert (words is None and not found) or (words is not None and words in found[0])


def test_logits_are_compared_with_zero() -> None:
    config = Component(type="BinaryCrossentropy", config={"from_logits": True})
    assert find_threshold(OutputRecipe(loss=config)) == 0.0
    assert find_threshold(OutputRecipe(loss="binary_crossentropy")) == 0.5


def test_the_recipe_of_an_older_release_has_lists_of_columns() -> None:
    stored = {"optimizer": "sgd", "jit_compile": False, "inputs": {"x": "a"}, "outputs": {}}
    assert Recipe.model_validate(stored).inputs == {"x": ["a"]}
