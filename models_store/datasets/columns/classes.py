"""Bounds the classes that the columns of a dataset have together.

A dataset may have 4,096 columns with 1,000 classes each, which would be a record of 100 MB.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from domain.dataset import MOST_CLASSES_IN_ALL, Column
from domain.dtype import TEXT
from models_store.datasets.columns.file import ColumnFile

MOST_CHARACTERS_IN_ALL = 1 << 21
"""The most characters that the classes of all columns have together."""


class ClassSize(NamedTuple):
    """How many classes a column has. Columns that keep theirs come first in order."""

    is_number: bool
    """Whether it holds numbers, of which fewer need their classes than of texts."""
    classes: int
    characters: int


_NO_TEXTS = ClassSize(is_number=False, classes=0, characters=0)
_NO_NUMBERS = ClassSize(is_number=True, classes=0, characters=0)


class Counting(Protocol):
    """A column whose classes are still counted."""

    @property
    def class_size(self) -> ClassSize:
        """The classes so far."""
        ...

    def drop_classes(self) -> None:
        """Counts classes no longer."""
        ...


def bound_classes(columns: Sequence[Column]) -> list[Column]:
    """Returns columns of which those with the most classes have lost them, if they are too many."""
    sizes = [_measure(column) for column in columns]
    dropped = set(_choose(sizes, 1))
    return [
        column.model_copy(update={"classes": None}) if index in dropped else column
        for index, column in enumerate(columns)
    ]


class CountingBound:
    """Bounds the classes of columns that are being written.

    They may be twice as many as at the end, which shows what columns have the fewest.
    """

    def __init__(self) -> None:
        """Starts without values."""
        self._added = 0

    def add(self, values: int, columns: Iterable[Counting]) -> None:
        """Notes that values were added; drops the classes of some columns after many values.

        Args:
            values: The most classes that were added.
            columns: All columns.
        """
        self._added += values
        if self._added > MOST_CLASSES_IN_ALL:
            self._added = 0
            counting = list(columns)
            for index in _choose([column.class_size for column in counting], 2):
                counting[index].drop_classes()


class ColumnFiles:
    """The columns of a dataset that are written one after the other, with bounded classes."""

    def __init__(self) -> None:
        """Starts without columns."""
        self.files: list[ColumnFile] = []
        self._new = 0
        """The classes since they were bounded."""

    def __len__(self) -> int:
        return len(self.files)

    def add(self, file: ColumnFile) -> None:
        """Adds a column."""
        self.files.append(file)
        size = _measure(file.column)
        self._new += size.classes + size.characters * MOST_CLASSES_IN_ALL // MOST_CHARACTERS_IN_ALL
        if self._new > MOST_CLASSES_IN_ALL:
            bounded = bound_classes([file.column for file in self.files])
            pairs = zip(self.files, bounded, strict=True)
            self.files = [file._replace(column=column) for file, column in pairs]
            self._new = 0


def _measure(column: Column) -> ClassSize:
    classes, is_text = column.classes, column.dtype == TEXT
    if not classes:
        return _NO_TEXTS if is_text else _NO_NUMBERS
    characters = sum(len(str(item.value)) for item in classes) if is_text else 0
    return ClassSize(not is_text, len(classes), characters)


def _choose(sizes: Sequence[ClassSize], factor: int) -> Iterable[int]:
    """Yields the columns that lose their classes, so that the others have few enough."""
    most, characters = MOST_CLASSES_IN_ALL * factor, MOST_CHARACTERS_IN_ALL * factor
    if sum(s.classes for s in sizes) <= most and sum(s.characters for s in sizes) <= characters:
        return
    for index in sorted(range(len(sizes)), key=sizes.__getitem__):
        most -= sizes[index].classes
        characters -= sizes[index].characters
        if most < 0 or characters < 0:
            yield index
