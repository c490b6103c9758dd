"""Checks a graph, and how it is to be trained, without allocating a weight."""

from itertools import islice

import keras

from compiler.adaptation import fill_placeholders, find_weighted_ancestors
from compiler.copies import find_copies
from compiler.model.build import BuiltModel, build
from compiler.model.size_limits import SizeCounter
from compiler.row_sizes import count_row_bytes
from compiler.summary import summarize
from compiler.training.check import TrainingCheck, check_training
from domain.check import CheckRequest, CheckResult, Donor, Training
from domain.errors import MOST_FAULTS, Fault, Invalid, clip
from domain.graph.adaptation import find_adaptation_faults, find_adaptive_layers
from domain.graph.language import Blueprint
from domain.graph.shapes import fits
from domain.graph.summary import RowBytes

MOST_NAMED = 20
"""The most layers that a text lists."""


def check(request: CheckRequest, sizes: SizeCounter) -> CheckResult:
    """Check a graph, and the training that the request contains.

    Args:
        request: The graph and the training.
        sizes: Raises Invalid at the node that exceeds a limit.

    Returns:
        The summary and the targets, or the faults of the graph and of the training.
    """
    adaptive = find_adaptive_layers(request.blueprint.definition) if request.adapts else []
    try:
        with keras.StatelessScope(initialize_variables=False):
            built, faults = _build_model(request, sizes)
            sizes.start_node(())
            summary = summarize(built, [item.name for item in adaptive]) if built else None
            row, row_faults = _count_row_bytes(request, built)
            copied, notes, copy_faults = _find_copies(request.donor, built)
        training = TrainingCheck()
        if request.training is not None:
            training = check_training(request.training, built)
    finally:  # otherwise the next scope in this process would allocate these weights
        keras.utils.clear_session(free_memory=False)
    return CheckResult(
        summary=summary,
        faults=[*faults, *row_faults],
        row=row,
        recipe_faults=[*training.faults, *copy_faults],
        copied=copied,
        copy_notes=notes,
        warnings=training.warnings,
        targets=training.targets,
        ranges=training.ranges,
        reported=training.reported,
    )


def _count_row_bytes(
    request: CheckRequest, built: BuiltModel | None
) -> tuple[RowBytes | None, list[Fault]]:
    """Count the bytes of one row with the lengths of the columns that feed the inputs."""
    rows = None if built is None else _find_rows(request.training, built)
    if built is None or rows is None:
        return None, []
    try:
        return count_row_bytes(built, rows, request.limits), []
    except Invalid as refusal:
        return None, list(refusal.faults)


def _find_copies(
    donor: Donor | None, built: BuiltModel | None
) -> tuple[list[str], list[str], list[Fault]]:
    """Find the variables that are copied, what to tell of them, and whether there is none."""
    if donor is None or built is None:
        return [], [], []
    copies = find_copies(built, donor.shapes, donor.match)
    keys = [key for keys in copies.equal.values() for key in keys]
    others = [
        f"{_name_layers(paths)} {text}"
        for paths, text in (
            (copies.differing, "with other shapes there"),
            (copies.absent, "without weights of that name there"),
        )
        if paths
    ]
    rest = f" Not copied: {'; '.join(others)}." if others else ""
    if keys:
        note = f"The weights of {_name_layers(list(copies.equal))} are copied from '{donor.model}'."
        return keys, [note + rest], []
    chosen = "" if donor.match is None else f" that match '{clip(donor.match)}'"
    detail = f"No layer{chosen} has weights of equal name and shape in '{donor.model}'.{rest}"
    return [], [], [Fault(pointer="/initial_weights", detail=detail)]


def _name_layers(paths: list[str]) -> str:
    shown = ", ".join(f"'{path}'" for path in paths[:MOST_NAMED])
    more = "" if len(paths) <= MOST_NAMED else ", ..."
    return f"{len(paths)} {'layer' if len(paths) == 1 else 'layers'} ({shown}{more})"


def _find_rows(training: Training | None, built: BuiltModel) -> dict[str, list[int]] | None:
    """Return the shape of a row of each input; None if no length is open, or a column misfits."""
    if training is None:
        return None
    rows: dict[str, list[int]] = {}
    is_open = False
    names = [item.name for item in built.blueprint.definition.inputs]
    for name, tensor in zip(names, built.model.inputs, strict=True):
        shape = list(tensor.shape[1:])
        column = training.inputs.get(name)
        if None not in shape:
            rows[name] = shape
        elif column is None or not fits(column.shape, shape):
            return None
        else:
            rows[name], is_open = column.longest_shape, True
    return rows if is_open else None


def _build_model(
    request: CheckRequest, sizes: SizeCounter
) -> tuple[BuiltModel | None, list[Fault]]:
    """Build the model, with placeholders for states that layers have yet to learn."""
    if not request.adapts:
        return _try_to_build(request.blueprint, sizes)
    definition = request.blueprint.definition
    faults = list(islice(find_adaptation_faults(definition), MOST_FAULTS))
    built, refused = _try_to_build(fill_placeholders(request.blueprint), sizes)
    if built is not None:
        faults += find_weighted_ancestors(built, find_adaptive_layers(definition))
    return built, [*faults, *refused]


def _try_to_build(
    blueprint: Blueprint, sizes: SizeCounter
) -> tuple[BuiltModel | None, list[Fault]]:
    try:
        return build(blueprint, None, sizes), []
    except Invalid as refusal:
        return None, list(refusal.faults)
