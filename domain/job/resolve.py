"""Turns lists in graph order and mappings by name into one recipe by name."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from domain.errors import MOST_FAULTS, Fault, clip, did_you_mean
from domain.job.fit.rules import add_accumulation
from domain.job.job import Columns, InputColumns, JobRequest
from domain.job.preparation import Window
from domain.job.recipe import (
    MOST_LOSSES,
    ClassWeights,
    Losses,
    LossOfOne,
    Metrics,
    MetricsOfOne,
    NameOrComponent,
    OutputRecipe,
    Recipe,
    WeightedLoss,
)
from domain.job.weights import is_class_index
from domain.json.pointer import pointer

T = TypeVar("T")
Report = Callable[[tuple[str | int, ...], str], None]


class _TooManyFaults(Exception):
    """MOST_FAULTS faults were found."""


def resolve(
    request: JobRequest, inputs: Sequence[str], outputs: Sequence[str], columns: Collection[str]
) -> tuple[Recipe, list[Fault]]:
    """Resolve the lists and mappings of a job to names; a `predict` job has inputs alone.

    Args:
        request: The request.
        inputs: The names of the graph's inputs, in graph order.
        outputs: The names of the graph's outputs, in graph order.
        columns: The names of the dataset's columns.

    Returns:
        The recipe, and the faults in names and list lengths. The recipe is incomplete if there
        are faults; the search ends at MOST_FAULTS of them.
    """
    faults: list[Fault] = []

    def report(place: tuple[str | int, ...], detail: str) -> None:
        faults.append(Fault(pointer=pointer(*place), detail=detail))
        if len(faults) >= MOST_FAULTS:
            raise _TooManyFaults

    columns_by_input: dict[str, list[str]] = {}
    recipes: dict[str, OutputRecipe] = {}
    with suppress(_TooManyFaults):
        columns_by_input = _column_lists(request.feed.inputs, inputs, columns, "inputs", report)
        if request.kind == "predict":
            recipes = {name: OutputRecipe() for name in outputs}
        else:
            recipes = _output_recipes(request, outputs, columns, report)
        _check_group(request.feed.window, columns, report)
    recipe = Recipe(
        optimizer=add_accumulation(request.compile.optimizer, request.fit.accumulate),
        jit_compile=request.compile.jit_compile,
        inputs=columns_by_input,
        outputs=recipes,
        missing=request.feed.missing,
        window=request.feed.window,
        bucket=request.feed.bucket,
    )
    return recipe, faults


def _output_recipes(
    request: JobRequest, outputs: Sequence[str], columns: Collection[str], report: Report
) -> dict[str, OutputRecipe]:
    compile_, feed = request.compile, request.feed
    losses = _losses(compile_.loss, outputs, report)
    weights = _by_output(compile_.loss_weights, outputs, ("compile", "loss_weights"), report)
    trained = [name for name in outputs if losses.get(name) is not None]
    if not trained:
        report(("compile", "loss"), f"At least one output needs a loss: {_quoted(outputs)}.")
    metrics = _metrics(compile_.metrics, "metrics", outputs, trained, report)
    weighted = _metrics(compile_.weighted_metrics, "weighted_metrics", outputs, trained, report)
    measured = {name for named in (metrics, weighted) for name, listed in named.items() if listed}
    compared = [name for name in outputs if name in trained or name in measured]
    targets = _targets(feed.targets, outputs, compared, columns, report)
    sample_weights = _sample_weights(feed.sample_weights, outputs, columns, report)
    classes = _class_weights(request.fit.class_weight, outputs, report)
    return {
        name: OutputRecipe(
            **_split_losses(losses.get(name)),
            loss_weight=weights.get(name),
            metrics=metrics.get(name, []),
            weighted_metrics=weighted.get(name, []),
            target=targets.get(name),
            sample_weight=sample_weights.get(name),
            class_weight=classes.get(name),
        )
        for name in outputs
    }


def _losses(value: Losses, outputs: Sequence[str], report: Report) -> dict[str, LossOfOne]:
    """Resolve losses by output; with a single output, a list may have several losses."""
    if isinstance(value, list) and len(outputs) == 1 and _lists_several(value):
        return {outputs[0]: value}  # type: ignore[dict-item]
    return _by_output(value, outputs, ("compile", "loss"), report)


def _lists_several(value: Sequence[LossOfOne]) -> bool:
    """Return whether the entries of a list are losses, of which there are several."""
    is_several = 1 < len(value) <= MOST_LOSSES
    return is_several and not any(item is None or isinstance(item, list) for item in value)


def _split_losses(given: LossOfOne) -> dict[str, Any]:
    """Return the fields of a recipe that describe the losses of an output."""
    listed = given if isinstance(given, list) else [given]
    losses = [item.loss if isinstance(item, WeightedLoss) else item for item in listed]
    weights = [item.weight if isinstance(item, WeightedLoss) else 1.0 for item in listed]
    is_plain = len(listed) == 1 and not isinstance(listed[0], WeightedLoss)
    return {
        "loss": losses[0],
        "other_losses": losses[1:],
        "part_weights": [] if is_plain else weights,
    }


def _by_output(
    value: Any,
    outputs: Sequence[str],
    place: tuple[str, ...],
    report: Report,
    what: str = "output",
) -> dict[str, Any]:
    """Resolve one of Keras's three forms: one value, a list in graph order, or a mapping."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        _known(value, outputs, place, what, report)
        return dict(value)
    if isinstance(value, list):
        if len(value) != len(outputs):
            report(
                place,
                f"A list in graph order needs {len(outputs)} entries, one for each of "
                f"{_quoted(outputs)}; this one has {len(value)}.{_advise_list(outputs, place)}",
            )
        return dict(zip(outputs, value, strict=False))
    if len(outputs) > 1 and not isinstance(value, float):
        return dict.fromkeys(outputs, value)
    if len(outputs) > 1:
        report(place, f"Several {what}s need a list or a mapping: {_quoted(outputs)}.")
    return {outputs[0]: value}


def _advise_list(names: Sequence[str], place: tuple[str, ...]) -> str:
    if place != ("feed", "inputs") or len(names) != 1:
        return ""
    return f' For columns side by side in one input write {{"{names[0]}": [...]}}.'


def _metrics(
    value: Metrics, field: str, outputs: Sequence[str], trained: Sequence[str], report: Report
) -> dict[str, list[NameOrComponent]]:
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        if len(outputs) == 1:
            return {outputs[0]: [item for item in value if item is not None]}  # type: ignore[misc]
        if len(value) == 1 and value[0] is not None:
            return {name: _listed(value[0]) for name in trained}
    named: dict[str, MetricsOfOne] = _by_output(value, outputs, ("compile", field), report)
    return {name: _listed(item) for name, item in named.items() if item is not None}


def _listed(item: MetricsOfOne) -> list[NameOrComponent]:
    if item is None:
        return []
    return item if isinstance(item, list) else [item]


def _columns(
    given: Columns | None, names: Sequence[str], columns: Collection[str], what: str, report: Report
) -> dict[str, str]:
    """Return the column of each name; if none is given, the column of the same name."""
    found = _column_lists(given, names, columns, what, report)
    return {name: listed[0] for name, listed in found.items()}


def _column_lists(
    given: Columns | InputColumns | None,
    names: Sequence[str],
    columns: Collection[str],
    what: str,
    report: Report,
) -> dict[str, list[str]]:
    """Return the columns of each name; if none are given, the column of the same name."""
    place = ("feed", what)
    noun = "input" if what == "inputs" else "output"
    mapping = {} if given is None else _by_output(given, names, place, report, noun)
    result: dict[str, list[str]] = {}
    for index, name in enumerate(names):
        entry = mapping.get(name)
        result[name] = entry if isinstance(entry, list) else [entry or name]
        if entry is None and name not in columns:
            report(place, f"No column feeds '{name}'. {_describe_columns(name, columns)}")
            continue
        token = index if isinstance(given, list) else name
        for position, column in enumerate(result[name]):
            if column not in columns:
                inner = (position,) if isinstance(entry, list) else ()
                known = _describe_columns(column, columns)
                report((*place, token, *inner), f"There is no column '{column}'. {known}")
    return result


def _check_group(window: Window | None, columns: Collection[str], report: Report) -> None:
    if window is not None and window.group is not None and window.group not in columns:
        known = _describe_columns(window.group, columns)
        report(("feed", "window", "group"), f"There is no column '{window.group}'. {known}")


def _describe_columns(wanted: str, columns: Collection[str]) -> str:
    return f"The dataset's columns are {_quoted(columns)}.{did_you_mean(wanted, columns)}"


def _targets(
    given: Columns | None,
    outputs: Sequence[str],
    compared: Sequence[str],
    columns: Collection[str],
    report: Report,
) -> dict[str, str]:
    """Return the target of each output that has a loss or metrics."""
    if isinstance(given, list) and len(given) == len(outputs) != len(compared):
        given = {
            n: c for n, c in zip(outputs, given, strict=True) if c is not None and n in compared
        }
    if isinstance(given, dict):
        _known(given, outputs, ("feed", "targets"), "output", report)
        given = {name: column for name, column in given.items() if name in compared}
    return _columns(given, compared, columns, "targets", report)


def _sample_weights(
    given: dict[str, str], outputs: Sequence[str], columns: Collection[str], report: Report
) -> dict[str, str]:
    place = ("feed", "sample_weights")
    _known(given, outputs, place, "output", report)
    for name, column in given.items():
        if column not in columns:
            near = did_you_mean(column, columns)
            report((*place, name), f"There is no column '{column}'.{near}")
    return given


def _class_weights(
    given: ClassWeights | dict[str, ClassWeights] | None, outputs: Sequence[str], report: Report
) -> dict[str, ClassWeights]:
    place = ("fit", "class_weight")
    if not given:
        return {}
    if all(isinstance(value, dict) for value in given.values()):
        _known(given, outputs, place, "output", report)
        named: dict[str, ClassWeights] = given  # type: ignore[assignment]
    elif len(outputs) > 1:
        report(place, f"Several outputs need a mapping by output: {_quoted(outputs)}.")
        return {}
    else:
        named = {outputs[0]: given}  # type: ignore[dict-item]
    for name, weights in named.items():
        for index in weights:
            if not is_class_index(index):
                report(
                    place,
                    f"Class weights need class indices, e.g. '0'; '{clip(index)}' of output "
                    f"'{name}' is not one.",
                )
    return named


def _known(
    given: Mapping[str, Any],
    names: Sequence[str],
    place: tuple[str, ...],
    what: str,
    report: Report,
) -> None:
    for name in given:
        if name not in names:
            near = did_you_mean(name, names)
            report(
                (*place, name),
                f"There is no {what} '{name}'; the {what}s are {_quoted(names)}.{near}",
            )


def _quoted(names: Collection[str]) -> str:
    quoted = [f"'{name}'" for name in list(names)[:20]]
    return ", ".join(quoted) + (", ..." if len(names) > 20 else "")
