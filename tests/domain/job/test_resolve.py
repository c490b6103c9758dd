"""Lists in graph order and mappings by name resolve to the same recipe."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.errors import MOST_FAULTS, Fault
from domain.job.job import Feed, JobRequest
from domain.job.recipe import Component, Recipe
from domain.job.resolve import resolve as resolve_names
from tests.conftest import Counter

GRAPH = "graph_" + "0" * 26
COLUMNS = ["headline", "extra", "label"]


INPUTS = ["main_input", "aux_input"]
TWO = ["main_output", "aux_output"]
ONE = ["main_output"]


def request(**fields: Any) -> JobRequest:
    return JobRequest.model_validate({"graph": GRAPH, **fields})


def resolve(
    sent: JobRequest, outputs: list[str] = TWO, columns: list[str] = COLUMNS
) -> tuple[Recipe, list[Fault]]:
    return resolve_names(sent, INPUTS, outputs, columns)


def find_faults(sent: JobRequest) -> dict[str, str]:
    return {fault.pointer: fault.detail for fault in resolve(sent)[1]}


FEED: dict[str, Any] = {"inputs": ["headline", "extra"], "targets": ["label", "label"]}


def test_lists_and_mappings_resolve_to_the_same_recipe() -> None:
    by_list = request(
        feed=FEED,
        compile={
            "loss": ["mse", "mae"],
            "loss_weights": [1.0, 0.2],
            "metrics": [["accuracy"], None],
        },
    )
    by_name = request(
        feed={
            "inputs": {"aux_input": "extra", "main_input": "headline"},
            "targets": {"aux_output": "label", "main_output": "label"},
        },
        compile={
            "loss": {"aux_output": "mae", "main_output": "mse"},
            "loss_weights": {"aux_output": 0.2, "main_output": 1.0},
            "metrics": {"main_output": "accuracy"},
        },
    )
    one, other = resolve(by_list), resolve(by_name)
    assert one == other
    assert one[1] == []
    assert list(one[0].outputs) == list(other[0].outputs) == ["main_output", "aux_output"]
    assert one[0].outputs["aux_output"].loss_weight == 0.2


def test_one_loss_and_one_metric_apply_to_every_output() -> None:
    recipe, wrong = resolve(request(feed=FEED, compile={"loss": "mse", "metrics": ["accuracy"]}))
    assert wrong == []
    assert [part.loss for part in recipe.outputs.values()] == ["mse", "mse"]
    assert [part.metrics for part in recipe.outputs.values()] == [["accuracy"], ["accuracy"]]


def test_component_may_replace_a_name() -> None:
    sent = {"type": "Huber", "config": {"delta": 2.0}}
    recipe, _ = resolve(request(feed=FEED, compile={"loss": sent}))
    assert recipe.outputs["main_output"].loss == Component(type="Huber", config={"delta": 2.0})


def test_an_output_without_a_loss_needs_no_target() -> None:
    recipe, wrong = resolve(
        request(
            feed={"inputs": FEED["inputs"], "targets": {"main_output": "label"}},
            compile={"loss": {"main_output": "mse"}},
        )
    )
    assert wrong == []
    assert recipe.outputs["aux_output"].target is None


def test_omitted_columns_are_matched_by_name() -> None:
    recipe, wrong = resolve(
        request(compile={"loss": "mse"}), ONE, ["main_input", "aux_input", "main_output"]
    )
    assert wrong == []
    assert recipe.inputs == {
        "main_input": ["main_input"],
        "aux_input": ["aux_input"],
    }
    assert recipe.outputs["main_output"].target == "main_output"


def test_missing_and_misspelt_columns_are_refused() -> None:
    wrong = find_faults(
        request(feed={"inputs": {"main_input": "headlne"}}, compile={"loss": "mse"})
    )
    assert "Did you mean 'headline'?" in wrong["/feed/inputs/main_input"]
    assert "No column feeds 'aux_input'" in wrong["/feed/inputs"]
    assert "No column feeds 'aux_output'" in wrong["/feed/targets"]


def test_unknown_outputs_and_short_lists_are_refused() -> None:
    wrong = find_faults(
        request(feed=FEED, compile={"loss": {"main": "mse"}, "loss_weights": [1.0]})
    )
    assert "There is no output 'main'" in wrong["/compile/loss/main"]
    assert "needs 2 entries" in wrong["/compile/loss_weights"]
    assert "At least one output needs a loss" in wrong["/compile/loss"]


def test_a_metric_without_a_loss_needs_a_target() -> None:
    compile_ = {"loss": {"main_output": "mse"}, "metrics": {"aux_output": "mae"}}
    recipe, wrong = resolve(request(feed=FEED, compile=compile_))
    assert wrong == []
    assert recipe.outputs["aux_output"].loss is None
    assert recipe.outputs["aux_output"].target == "label"
    without = request(feed={"inputs": FEED["inputs"], "targets": ["label"]}, compile=compile_)
    assert "No column feeds 'aux_output'" in find_faults(without)["/feed/targets"]


@pytest.mark.parametrize("index", ["²", "-1", "01", " 1"])
def test_keys_of_class_weights_are_class_indices(index: str) -> None:
    sent = request(
        feed={"inputs": FEED["inputs"], "targets": ["label"]},
        compile={"loss": "mse"},
        fit={"class_weight": {index: 2.0}},
    )
    (fault,) = resolve(sent, ONE)[1]
    assert fault.pointer == "/fit/class_weight"
    assert f"'{index}'" in fault.detail


def test_class_weights_of_several_outputs_need_a_mapping() -> None:
    sent = request(feed=FEED, compile={"loss": "mse"}, fit={"class_weight": {"0": 1.0, "1": 2.0}})
    assert "mapping by output" in find_faults(sent)["/fit/class_weight"]
    alone = sent.model_copy(update={"feed": Feed(inputs=FEED["inputs"], targets=["label"])})
    recipe, wrong = resolve(alone, ONE)
    assert wrong == []
    assert recipe.outputs["main_output"].class_weight == {"0": 1.0, "1": 2.0}


def test_the_search_for_wrong_names_ends_at_a_hundred_faults(made_faults: Counter) -> None:
    wrong = {f"wrong{i}": "label" for i in range(100_000)}
    _, faults = resolve(request(compile={"loss": "mse"}, feed={**FEED, "sample_weights": wrong}))
    assert len(faults) == made_faults.count == MOST_FAULTS
    weights = {f"class{i}": 1.0 for i in range(100_000)}
    _, faults = resolve(
        request(compile={"loss": "mse"}, feed=FEED, fit={"class_weight": {ONE[0]: weights}})
    )
    assert len(faults) == MOST_FAULTS


PARTS: list[Any] = [{"loss": "mse", "weight": 0.7}, {"loss": {"type": "Huber"}}, "mae"]


def test_an_output_may_have_several_losses() -> None:
    forms: list[tuple[Any, list[str]]] = [
        ({"main_output": PARTS}, TWO),
        ([PARTS, None], TWO),
        (PARTS, ONE),
        ({"main_output": PARTS}, ONE),
    ]
    for loss, outputs in forms:
        recipe, found = resolve(request(feed=FEED, compile={"loss": loss}), outputs)
        assert [fault for fault in found if "loss" in fault.pointer] == []
        output = recipe.outputs["main_output"]
        assert output.losses == ["mse", Component(type="Huber"), "mae"]
        assert output.part_weights == [0.7, 1.0, 1.0]


def test_one_loss_may_have_a_weight_of_its_own() -> None:
    recipe, _ = resolve(request(feed=FEED, compile={"loss": {"main_output": PARTS[:1]}}), ONE)
    output = recipe.outputs["main_output"]
    assert (output.loss, output.other_losses, output.part_weights) == ("mse", [], [0.7])


@pytest.mark.parametrize(
    "loss", [{"a": []}, {"a": ["mse"] * 17}, {"a": [None]}, {"a": [{"weight": 1}]}, [["mse"], []]]
)
def test_a_faulty_list_of_losses_is_refused(loss: Any) -> None:
    with pytest.raises(ValidationError):
        request(compile={"loss": loss})


def test_weighted_metrics_resolve_as_metrics_do() -> None:
    recipe, _ = resolve(
        request(feed=FEED, compile={"loss": ["mse", None], "weighted_metrics": ["mae"]})
    )
    assert recipe.outputs["main_output"].weighted_metrics == ["mae"]
    assert recipe.outputs["aux_output"].weighted_metrics == []
    recipe, _ = resolve(
        request(feed=FEED, compile={"loss": ["mse", None], "weighted_metrics": [None, ["mae"]]})
    )
    assert recipe.outputs["aux_output"].weighted_metrics == ["mae"]
    assert recipe.outputs["aux_output"].target == "label"
