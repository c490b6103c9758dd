"""Lists in graph order and mappings by name resolve to the same recipe."""

from typing import Any

from domain.errors import Fault
from domain.job.job import Feed, JobRequest
from domain.job.recipe import Component, Recipe
from domain.job.resolve import resolve as resolve_names

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
    assert recipe.inputs == {"main_input": "main_input", "aux_input": "aux_input"}
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


def test_metric_needs_a_target() -> None:
    sent = request(
        feed=FEED, compile={"loss": {"main_output": "mse"}, "metrics": {"aux_output": "mae"}}
    )
    assert "has no loss" in find_faults(sent)["/compile/metrics"]


def test_class_weights_of_several_outputs_need_a_mapping() -> None:
    sent = request(feed=FEED, compile={"loss": "mse"}, fit={"class_weight": {"0": 1.0, "1": 2.0}})
    assert "mapping by output" in find_faults(sent)["/fit/class_weight"]
    alone = sent.model_copy(update={"feed": Feed(inputs=FEED["inputs"], targets=["label"])})
    recipe, wrong = resolve(alone, ONE)
    assert wrong == []
    assert recipe.outputs["main_output"].class_weight == {"0": 1.0, "1": 2.0}
