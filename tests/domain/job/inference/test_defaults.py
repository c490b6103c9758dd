"""The feed and the losses of the training, where a request leaves them out."""

from typing import Any

from domain.job.inference.defaults import Defaults
from domain.job.job import Feed, JobRequest
from domain.job.preparation import Window
from domain.job.recipe import Compile, Component, OutputRecipe, Recipe
from domain.job.resolve import resolve

TRAINED = Recipe(
    optimizer="adam",
    jit_compile=True,
    inputs={"x": ["age", "size"], "z": ["town"]},
    outputs={
        "kind": OutputRecipe(
            loss="mse", loss_weight=0.5, metrics=["mae"], target="label", sample_weight="trust"
        ),
        "spare": OutputRecipe(),
    },
    window=Window(length=4),
)
MODEL, DATASET = f"model_{'0' * 26}", f"dataset_{'0' * 26}"


def complete(kind: Any, columns: list[str], trained: Recipe | None = TRAINED, **fields: Any) -> Any:
    request = JobRequest(kind=kind, model=MODEL, dataset=DATASET, **fields)
    return Defaults(trained, ["x", "z"], ["kind", "spare"], columns).complete(request)


def test_all_is_as_in_the_training() -> None:
    done = complete("evaluate", ["age", "size", "town", "label", "trust"])
    assert done.feed.inputs == {"x": ["age", "size"], "z": ["town"]}
    assert done.feed.targets == {"kind": "label"}
    assert done.feed.sample_weights == {"kind": "trust"}
    assert done.feed.window == Window(length=4)
    assert done.compile.loss == {"kind": "mse", "spare": None}
    assert done.compile.loss_weights == {"kind": 0.5}
    assert done.compile.metrics == {"kind": ["mae"]}


def test_an_input_whose_columns_the_dataset_lacks_takes_that_of_its_own_name() -> None:
    done = complete("evaluate", ["age", "town", "x", "kind"])
    assert done.feed.inputs == {"z": ["town"]}
    assert done.feed.targets is None
    assert done.feed.sample_weights == {}


def test_what_the_request_gives_stays() -> None:
    feed = Feed(inputs=["age", None], targets={"kind": "other"}, sample_weights={})
    done = complete(
        "evaluate",
        ["age", "size", "town", "label", "trust", "other"],
        feed=feed,
        compile=Compile(loss="mae"),
    )
    assert done.feed.inputs == ["age", ["town"]]
    assert done.feed.targets == {"kind": "other"}
    assert done.feed.sample_weights == {}
    assert (done.compile.loss, done.compile.loss_weights) == ("mae", None)
    assert done.compile.metrics == {"kind": ["mae"]}


def test_a_prediction_needs_no_row_of_a_target() -> None:
    assert complete("predict", ["town"]).feed.window == Window(length=4, target_offset=0)
    given = complete("predict", ["town"], None, feed=Feed(window=Window(length=2)))
    assert given.feed.window == Window(length=2, target_offset=0)
    assert given.feed.inputs is None


def test_several_losses_and_weighted_metrics_are_those_of_the_training() -> None:
    huber = Component(type="Huber", config={"delta": 2.0})
    kind = OutputRecipe(
        loss="mse",
        other_losses=[huber],
        part_weights=[0.7, 0.3],
        loss_weight=0.5,
        metrics=["mae"],
        weighted_metrics=["mse"],
        target="label",
    )
    weighted = OutputRecipe(loss="mae", part_weights=[2.0], target="label")
    trained = TRAINED.model_copy(update={"outputs": {"kind": kind, "spare": weighted}})
    done = complete("evaluate", ["age", "size", "town", "label"], trained)
    recipe, faults = resolve(done, ["x", "z"], ["kind", "spare"], ["age", "size", "town", "label"])
    assert not faults
    assert recipe.outputs == {"kind": kind, "spare": weighted}
