"""Which targets a loss takes for an output: their shape, their kind and their range."""

from collections.abc import Iterator
from typing import Literal

from domain.dataset import Column
from domain.graph.shapes import fits, shown
from domain.graph.summary import Tensor
from domain.job.recipe import Component, NameOrComponent

About = Literal["target", "loss"]
Reasons = Iterator[tuple[About, str]]

SPARSE = frozenset({"sparsecategoricalcrossentropy"})
ONE_HOT = frozenset({"categoricalcrossentropy", "categoricalfocalcrossentropy"})
BINARY = frozenset({"binarycrossentropy", "binaryfocalcrossentropy", "bce"})
FREE_SHAPE = frozenset({"ctc", "circle"})
"""Losses whose targets have a shape of their own."""


def reasons_against(target: Column, output: Tensor, loss: NameOrComponent) -> Reasons:
    """Why a column cannot be the target of an output under a loss, and what is to blame.

    A loss that is not known here is judged by shape alone.
    """
    name = _resolved(plain_name(loss), target, output)
    if not target.dtype.startswith(("bool", "int", "uint", "float", "bfloat")):
        yield "target", f"Column '{target.name}' is {target.dtype}; targets are numbers."
        return
    if name in SPARSE:
        yield from _class_index_reasons(target, output, loss)
    elif name not in FREE_SHAPE:
        misshapen = list(_same_shape_reasons(target, output, name))
        yield from misshapen
        if name in BINARY | ONE_HOT and not misshapen:
            yield from _share_reasons(target, loss)


def plain_name(loss: NameOrComponent) -> str:
    """`sparse_categorical_crossentropy` and `SparseCategoricalCrossentropy` are one."""
    name = loss.type if isinstance(loss, Component) else loss
    return name.replace("_", "").lower()


def _resolved(name: str, target: Column, output: Tensor) -> str:
    """Keras's `crossentropy` becomes one of three by the shapes."""
    if name not in ("crossentropy", "ce"):
        return name
    if output.shape[-1] == 1:
        return "binarycrossentropy"
    if len(target.shape) < len(output.shape) - 1 or target.shape[-1:] == [1]:
        return "sparsecategoricalcrossentropy"
    return "categoricalcrossentropy"


def _class_index_reasons(target: Column, output: Tensor, loss: NameOrComponent) -> Reasons:
    row = output.shape[1:]
    classes = row[-1] if row else None
    if classes == 1:
        yield (
            "loss",
            f"Output '{output.name}' gives one number in each row; class indices need one for "
            "each class. For two classes use 'binary_crossentropy'.",
        )
        return
    if not (fits(target.shape, row[:-1]) or fits(target.shape, [*row[:-1], 1])):
        hint = " For one-hot targets use 'categorical_crossentropy'."
        yield (
            "target",
            f"Column '{target.name}' has the shape {target.shape} in each row; class indices of "
            f"output '{output.name}' have {shown(row[:-1])}."
            + (hint if fits(target.shape, row) else ""),
        )
    if not _is_whole(target):
        yield (
            "target",
            f"Column '{target.name}' is {target.dtype}; class indices are whole numbers.",
        )
    elif classes is not None and not _ignores(loss):
        yield from _range_reasons(target, output, classes)


def _range_reasons(target: Column, output: Tensor, classes: int) -> Reasons:
    if target.min is None or target.max is None:
        return
    if target.min < 0 or target.max >= classes:
        yield (
            "target",
            f"Column '{target.name}' holds class indices from {target.min:g} to {target.max:g}; "
            f"output '{output.name}' has {classes} classes, 0 to {classes - 1}.",
        )


def _is_whole(column: Column) -> bool:
    if not column.dtype.startswith(("float", "bfloat")):
        return True
    ends = (column.min, column.max)
    return not column.not_finite and all(end is None or end.is_integer() for end in ends)


def _ignores(loss: NameOrComponent) -> bool:
    return isinstance(loss, Component) and loss.config.get("ignore_class") is not None


def _same_shape_reasons(target: Column, output: Tensor, name: str) -> Reasons:
    row = output.shape[1:]
    squeezed = row[:-1] if row and row[-1] == 1 else None
    allowed = [row, [*row, 1], *([] if squeezed is None else [squeezed])]
    if any(fits(target.shape, shape) for shape in allowed):
        return
    hint = ""
    if name in ONE_HOT and (fits(target.shape, row[:-1]) or fits(target.shape, [*row[:-1], 1])):
        hint = " For class indices use 'sparse_categorical_crossentropy'."
    yield (
        "target",
        f"Column '{target.name}' has the shape {target.shape} in each row; output "
        f"'{output.name}' has {shown(row)}.{hint}",
    )


def _share_reasons(target: Column, loss: NameOrComponent) -> Reasons:
    if target.min is None or target.max is None:
        return
    if target.min < 0 or target.max > 1:
        called = loss.type if isinstance(loss, Component) else loss
        yield (
            "target",
            f"Column '{target.name}' runs from {target.min:g} to {target.max:g}; targets of "
            f"'{called}' lie between 0 and 1.",
        )
