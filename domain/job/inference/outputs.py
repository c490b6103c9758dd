"""The columns of the dataset that a predict job makes."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from domain.dataset import Column
from domain.errors import did_you_mean
from domain.graph.shapes import format_shape
from domain.graph.summary import Tensor
from domain.graph.walk import Place

SUFFIX = "_class"
"""The end of the name of the column with the most likely class of an output."""


def name_class_columns(outputs: Sequence[str], classes: Collection[str]) -> dict[str, str]:
    """Return the name of the column with the classes of each output that has some.

    A name that an output has gets a further underscore.

    Args:
        outputs: The names of all outputs.
        classes: The outputs with classes.
    """
    names: dict[str, str] = {}
    for output in outputs:
        if output in classes:
            name = f"{output}{SUFFIX}"
            while name in outputs or name in names.values():
                name += "_"
            names[output] = name
    return names


def find_keep_faults(
    keep: Sequence[str], columns: Collection[str], made: Collection[str]
) -> Iterator[tuple[Place, str]]:
    """Find columns that cannot be copied beside the outputs.

    Args:
        keep: The columns to copy.
        columns: The columns of the dataset.
        made: The columns that the job makes.
    """
    seen: set[str] = set()
    for index, name in enumerate(keep):
        place = ("keep", index)
        if name not in columns:
            yield place, f"There is no column '{name}'.{did_you_mean(name, columns)}"
        elif name in made:
            yield place, f"The job makes a column '{name}' of the model's outputs."
        elif name in seen:
            yield place, f"Column '{name}' appears twice."
        seen.add(name)


def find_unknown_lengths(
    outputs: Sequence[Tensor], inputs: Mapping[str, Column]
) -> Iterator[tuple[Place, str]]:
    """Find outputs whose rows differ in more than their first length, which no column can hold.

    Args:
        outputs: The outputs of the model.
        inputs: The columns that feed its inputs.
    """
    if not any(column.is_ragged for column in inputs.values()):
        return
    for tensor in outputs:
        if None in tensor.shape[2:]:
            yield (
                ("model",),
                f"The rows of output '{tensor.name}', {format_shape(tensor.shape[1:])}, would "
                "differ in a length after the first. A column holds rows that differ in their "
                "first length alone. Give inputs whose rows have equal lengths.",
            )
