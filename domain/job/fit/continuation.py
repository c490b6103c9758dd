"""Going on with the optimizer of the model from which a training starts."""

from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from domain.contract import Contract
from domain.errors import Fault
from domain.job.fit.rules import STEPS, add_accumulation
from domain.job.job import JobRequest
from domain.job.recipe import Component, NameOrComponent, replace_config, unwrap_optimizer
from domain.json.pointer import pointer

FILE = "optimizer.safetensors"
"""The file of a model with the state of its optimizer."""
RATE = "learning_rate"
UNCOMPARED = (RATE, "inner_optimizer")
"""The arguments that may differ, or are compared by themselves."""


class TrainingState(Contract):
    """Where the training of a model stopped."""

    seed: int
    epochs: int
    """The number of epochs whose orders of rows were used, with those of earlier jobs."""
    optimizer: NameOrComponent
    """With the argument that `fit.accumulate` stands for."""
    freeze: list[str] = []
    mixed_precision: bool = False


def continue_request(request: JobRequest, state: TrainingState) -> JobRequest:
    """Return the request with what it leaves out: the optimizer and the seed of the source."""
    updates: dict[str, Any] = {}
    if "optimizer" not in request.compile.model_fields_set:
        given = request.fit.accumulate
        optimizer = state.optimizer
        if given is not None and isinstance(optimizer, Component):
            config = unwrap_optimizer(optimizer).config
            kept = {k: v for k, v in config.items() if k != STEPS or v != given}
            optimizer = replace_config(optimizer, kept)
        updates["compile"] = request.compile.model_copy(update={"optimizer": optimizer})
    if request.seed is None:
        updates["seed"] = state.seed
    return request.model_copy(update=updates)


def find_rule_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield a fault if there is no model whose optimizer the job could go on with."""
    if request.optimizer_state and (request.model is None or request.kind != "train"):
        detail = "`optimizer_state` goes on with the optimizer of the `model` that a `train` job "
        yield Fault(pointer="/optimizer_state", detail=f"{detail}trains further; give a `model`.")


def find_misfits(request: JobRequest, state: TrainingState) -> Iterator[Fault]:
    """Find what differs from the training of the source, so that its state does not fit.

    Args:
        request: The request with the optimizer of the source, if it gave none.
        state: The training of the source.
    """
    optimizer = add_accumulation(request.compile.optimizer, request.fit.accumulate)
    if _normalize(optimizer) != _normalize(state.optimizer):
        text = _describe(state.optimizer)
        detail = f"The model was trained with the optimizer {text}, whose state fits no other one: "
        detail += "leave `optimizer` out, or give the same; its `learning_rate` may differ."
        yield Fault(pointer=pointer("compile", "optimizer"), detail=detail)
    if set(request.fit.freeze) != set(state.freeze):
        listed = ", ".join(f"'{item}'" for item in state.freeze) or "nothing"
        detail = f"The model was trained with {listed} frozen; the state of its optimizer is that "
        detail += "of the other layers. Freeze the same, or leave `optimizer_state` out."
        yield Fault(pointer=pointer("fit", "freeze"), detail=detail)
    if request.mixed_precision != state.mixed_precision:
        text = str(state.mixed_precision).lower()
        detail = f"The model was trained with `mixed_precision` {text}; the state of its optimizer "
        detail += "fits no other one."
        yield Fault(pointer="/mixed_precision", detail=detail)


def keeps_rate(request: JobRequest, state: TrainingState) -> bool:
    """Return whether the learning rate goes on as well: the request gives no other one."""
    return _get_rate(request.compile.optimizer) == _get_rate(state.optimizer)


def _get_rate(optimizer: NameOrComponent) -> JsonValue:
    return unwrap_optimizer(optimizer).config.get(RATE)


def _normalize(optimizer: NameOrComponent) -> list[tuple[str, dict[str, JsonValue]]]:
    """Return an optimizer, and the one that a LossScaleOptimizer takes, without learning rate."""
    made = Component(type=optimizer) if isinstance(optimizer, str) else optimizer
    return [
        (
            part.type.lower(),
            {k: v for k, v in part.config.items() if k not in UNCOMPARED and v is not None},
        )
        for part in (made, unwrap_optimizer(made))
    ]


def _describe(optimizer: NameOrComponent) -> str:
    if isinstance(optimizer, str):
        return f"'{optimizer}'"
    return optimizer.model_dump_json()[:300]
