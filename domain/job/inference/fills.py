"""What takes the place of missing values in the columns of an evaluate or predict job."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from domain.dataset import Column
from domain.dtype import kind_of
from domain.job.preparation import DROP, STRATEGIES, Missing
from domain.job.recipe import Recipe


@dataclass
class Fills:
    """The entries of a recipe's `missing`, and the values that stand for them."""

    missing: dict[str, Missing] = field(default_factory=dict)
    """By column. An entry of a learned column only tells that it is filled."""
    values: dict[str, JsonValue] = field(default_factory=dict)
    """By column, without columns whose rows are left out."""
    learned: set[str] = field(default_factory=set)
    """The columns whose values the model keeps."""

    def add(self, name: str, entry: Missing) -> None:
        """Add an entry of the request or of the training that is no learned value."""
        self.missing[name] = entry
        if entry != DROP:
            self.values[name] = entry

    def learn(self, column: Column, value: JsonValue, entry: Missing | None) -> None:
        """Add a value that the model keeps.

        Args:
            column: The column.
            value: A value, or nested lists of them for an item of a row.
            entry: The entry of the training, if it is known.
        """
        self.learned.add(column.name)
        self.values[column.name] = value
        if entry in STRATEGIES:
            self.missing[column.name] = str(entry)
        elif isinstance(value, bool | int | float | str):
            self.missing[column.name] = value
        else:
            is_float = kind_of(column.dtype) == "float"
            self.missing[column.name] = "mean" if is_float else "most_frequent"


def find_fills(
    given: Mapping[str, Missing],
    kept: Mapping[str, JsonValue],
    trained: Recipe | None,
    recipe: Recipe,
    columns: Mapping[str, Column],
) -> Fills:
    """Find what takes the place of missing values: as the request says, or as the training did.

    Args:
        given: The `missing` of the request's feed.
        kept: What the model keeps, by input; as `Signature.missing`.
        trained: The recipe of the model's training, if it is known.
        recipe: Names the columns of the job.
        columns: The columns of the dataset by name; those of the recipe exist.
    """
    fills = Fills()
    for name, entry in given.items():
        fills.add(name, entry)
    for column, piece, then in _list_inputs(kept, trained, recipe, columns):
        if column in fills.missing:
            continue
        if _has_value(piece):
            fills.learn(columns[column], piece, then)
        elif then == DROP:
            fills.add(column, DROP)
    for column, compared in _list_compared(trained, recipe):
        if column not in fills.missing:
            fills.add(column, compared)
    return fills


def _list_inputs(
    kept: Mapping[str, JsonValue],
    trained: Recipe | None,
    recipe: Recipe,
    columns: Mapping[str, Column],
) -> Iterator[tuple[str, Any, Missing | None]]:
    """Yield the columns of the inputs, each with what the model keeps and the training's entry."""
    for name, listed in recipe.inputs.items():
        pieces = _split(kept.get(name), [columns[column] for column in listed])
        entries = _list_entries(trained, name, len(listed))
        yield from zip(listed, pieces, entries, strict=True)


def _list_entries(trained: Recipe | None, name: str, count: int) -> list[Missing | None]:
    """Return the entries of a training for the columns of an input, in their order.

    If the input has another number of columns now, one that was dropped tells of all of them.
    """
    listed = [] if trained is None else trained.inputs.get(name, [])
    missing = {} if trained is None else trained.missing
    entries = [missing.get(column) for column in listed]
    if len(entries) == count:
        return entries
    return [DROP if DROP in entries else None] * count


def _list_compared(trained: Recipe | None, recipe: Recipe) -> Iterator[tuple[str, Missing]]:
    """Yield the targets and weights whose missing values the training replaced or left out."""
    if trained is None:
        return
    for name, part in recipe.outputs.items():
        other = trained.outputs.get(name)
        if other is None:
            continue
        for now, then in ((part.target, other.target), (part.sample_weight, other.sample_weight)):
            if now is not None and then is not None and then in trained.missing:
                yield now, trained.missing[then]


def _split(kept: Any, columns: Sequence[Column]) -> list[Any]:
    """Split the values of an input along their last axis, which has the columns side by side."""
    if len(columns) == 1 and (columns[0].shape or not isinstance(kept, list)):
        return [kept]
    pieces, start = [], 0
    for column in columns:
        width = (column.shape[-1] or 1) if column.shape else 1
        piece = _cut(kept, start, start + width)
        is_single = not column.shape and isinstance(piece, list) and len(piece) == 1
        pieces.append(piece[0] if is_single else piece)
        start += width
    return pieces


def _cut(value: Any, start: int, stop: int) -> Any:
    if not isinstance(value, list):
        return value
    if value and isinstance(value[0], list):
        return [_cut(item, start, stop) for item in value]
    return value[start:stop]


def _has_value(piece: Any) -> bool:
    if isinstance(piece, list):
        return any(_has_value(item) for item in piece)
    return piece is not None
