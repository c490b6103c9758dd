"""Turns lists in graph order and mappings by name into one recipe by name."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from domain.errors import Fault, did_you_mean
from domain.job.job import Columns, JobRequest
from domain.job.recipe import (
    ClassWeights,
    Metrics,
    MetricsOfOne,
    NameOrComponent,
    OutputRecipe,
    Recipe,
)
from domain.pointer import pointer

T = TypeVar("T")
Report = Callable[[tuple[str | int, ...], str], None]


def resolve(
    request: JobRequest, inputs: Sequence[str], outputs: Sequence[str], columns: Collection[str]
) -> tuple[Recipe, list[Fault]]:
    """Resolve the lists and mappings of a `train` job to names.

    Args:
        request: The request.
        inputs: The names of the graph's inputs, in graph order.
        outputs: The names of the graph's outputs, in graph order.
        columns: The names of the dataset's columns.

    Returns:
        The recipe, and the faults in names and list lengths. The recipe is incomplete if there
        are faults.
    """
    faults: list[Fault] = []

    def report(place: tuple[str | int, ...], detail: str) -> None:
        faults.append(Fault(pointer=pointer(*place), detail=detail))

    recipe = Recipe(
        optimizer=request.compile.optimizer,
        jit_compile=request.compile.jit_compile,
        inputs=_columns(request.feed.inputs, inputs, columns, "inputs", report),
        outputs=_output_recipes(request, outputs, columns, report),
    )
    return recipe, faults


def _output_recipes(
    request: JobRequest, outputs: Sequence[str], columns: Collection[str], report: Report
) -> dict[str, OutputRecipe]:
    compile_, feed = request.compile, request.feed
    losses = _by_output(compile_.loss, outputs, ("compile", "loss"), report)
    weights = _by_output(compile_.loss_weights, outputs, ("compile", "loss_weights"), report)
    trained = [name for name in outputs if losses.get(name) is not None]
    if not trained:
        report(("compile", "loss"), f"At least one output needs a loss: {_quoted(outputs)}.")
    metrics = _metrics(compile_.metrics, outputs, trained, report)
    targets = _targets(feed.targets, outputs, trained, columns, report)
    sample_weights = _sample_weights(feed.sample_weights, outputs, columns, report)
    classes = _class_weights(request.fit.class_weight, outputs, report)
    return {
        name: OutputRecipe(
            loss=losses.get(name),
            loss_weight=weights.get(name),
            metrics=metrics.get(name, []),
            target=targets.get(name),
            sample_weight=sample_weights.get(name),
            class_weight=classes.get(name),
        )
        for name in outputs
    }


def _by_output(
    value: Any, outputs: Sequence[str], place: tuple[str, ...], report: Report
) -> dict[str, Any]:
    """Resolve one of Keras's three forms: one value, a list in graph order, or a mapping."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        _known(value, outputs, place, "output", report)
        return dict(value)
    if isinstance(value, list):
        if len(value) != len(outputs):
            report(
                place,
                f"A list in graph order needs {len(outputs)} entries, one for each of "
                f"{_quoted(outputs)}; this one has {len(value)}.",
            )
        return dict(zip(outputs, value, strict=False))
    if len(outputs) > 1 and not isinstance(value, float):
        return dict.fromkeys(outputs, value)
    if len(outputs) > 1:
        report(place, f"Several outputs need a list or a mapping: {_quoted(outputs)}.")
    return {outputs[0]: value}


def _metrics(
    value: Metrics, outputs: Sequence[str], trained: Sequence[str], report: Report
) -> dict[str, list[NameOrComponent]]:
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        if len(outputs) == 1:
            return {outputs[0]: [item for item in value if item is not None]}  # type: ignore[misc]
        if len(value) == 1 and value[0] is not None:
            return {name: _listed(value[0]) for name in trained}
    named: dict[str, MetricsOfOne] = _by_output(value, outputs, ("compile", "metrics"), report)
    resolved = {name: _listed(item) for name, item in named.items() if item is not None}
    for name in resolved.keys() & set(outputs) - set(trained):
        report(("compile", "metrics"), f"Output '{name}' has no loss, so no target for a metric.")
    return resolved


def _listed(item: MetricsOfOne) -> list[NameOrComponent]:
    if item is None:
        return []
    return item if isinstance(item, list) else [item]


def _columns(
    given: Columns | None, names: Sequence[str], columns: Collection[str], what: str, report: Report
) -> dict[str, str]:
    """Return the column of each name; if none is given, the column of the same name."""
    place = ("feed", what)
    mapping = {} if given is None else _by_output(given, names, place, report)
    result: dict[str, str] = {}
    for index, name in enumerate(names):
        column = mapping.get(name) or name
        result[name] = column
        if column in columns:
            continue
        near = did_you_mean(column, columns)
        known = f"The dataset's columns are {_quoted(columns)}.{near}"
        if mapping.get(name) is None:
            report(place, f"No column feeds '{name}'. {known}")
        else:
            token = index if isinstance(given, list) else name
            report((*place, token), f"There is no column '{column}'. {known}")
    return result


def _targets(
    given: Columns | None,
    outputs: Sequence[str],
    trained: Sequence[str],
    columns: Collection[str],
    report: Report,
) -> dict[str, str]:
    if isinstance(given, list) and len(given) == len(outputs) != len(trained):
        given = {
            n: c for n, c in zip(outputs, given, strict=True) if c is not None and n in trained
        }
    if isinstance(given, dict):
        _known(given, outputs, ("feed", "targets"), "output", report)
        given = {name: column for name, column in given.items() if name in trained}
    return _columns(given, trained, columns, "targets", report)


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
            if not index.isdigit():
                detail = (
                    f"Class weights need class indices; '{index}' of output '{name}' is not one."
                )
                report(place, detail)
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
