"""Checks what takes the place of missing values in the columns of a training."""

from collections.abc import Collection, Iterator, Mapping

from domain.dataset import MOST_CLASSES, Column
from domain.dtype import bounds_of, kind_of
from domain.errors import clip, did_you_mean
from domain.graph.walk import Place
from domain.job.columns.places import find_place
from domain.job.job import JobRequest
from domain.job.preparation import DROP, STRATEGIES, Missing
from domain.job.recipe import OutputRecipe, Recipe

Found = Iterator[tuple[Place, str]]
_LEARNED = ("mean", "median", "most_frequent")
_KINDS = {"text": "a text", "bool": "true or false", "integer": "a whole number"}


class MissingCheck:
    """The check of `feed.missing` against the columns of one dataset."""

    def __init__(
        self,
        request: JobRequest,
        recipe: Recipe,
        columns: Mapping[str, Column],
        dtypes: Mapping[str, str],
        rows: int,
        learned: Collection[str] = (),
    ) -> None:
        """Checks nothing yet.

        Args:
            request: The job's request.
            recipe: Its recipe, with classes.
            columns: The columns of the dataset by name; those of the recipe exist.
            dtypes: The dtype of each input of the graph.
            rows: The number of rows of the dataset.
            learned: The columns for whose missing values a model keeps others.
        """
        self._learned = learned
        self._request, self._recipe, self._columns = request, recipe, columns
        self._dtypes, self._rows = dtypes, rows

    def find_faults(self) -> Found:
        """Find entries that do not fit, and columns with missing values that have no entry."""
        for name in self._recipe.missing:
            if name not in self._recipe.columns_read:
                near = did_you_mean(name, self._recipe.columns_read)
                detail = f"The job does not read a column '{clip(name)}'.{near}"
                yield ("feed", "missing", name), detail
        for name in sorted(self._recipe.columns_read):
            column, entry = self._columns[name], self._recipe.missing.get(name)
            if entry is None:
                yield from self.find_unfilled(column)
            elif name not in self._learned:
                for detail in self._find_entry_misfits(column, entry):
                    yield ("feed", "missing", name), detail

    def find_unfilled(self, column: Column) -> Found:
        """Find whether a column without an entry has missing values."""
        group = None if self._recipe.window is None else self._recipe.window.group
        if column.name in self._recipe.missing or not column.missing:
            return
        if column.name == group:
            yield (
                ("feed", "window", "group"),
                f"Column '{column.name}' has {column.missing} missing values; a group has a value "
                "in each row.",
            )
        else:
            yield self._find_place(column.name), _describe_unfilled(column)

    def _find_place(self, name: str) -> Place:
        for item, columns in self._recipe.inputs.items():
            if name in columns:
                return find_place(self._request, self._recipe, "inputs", item)
        for output, part in self._recipe.outputs.items():
            if part.target == name:
                return find_place(self._request, self._recipe, "targets", output)
            if part.sample_weight == name:
                return "feed", "sample_weights", output
        return ("feed",)

    def _find_entry_misfits(self, column: Column, entry: Missing) -> Iterator[str]:
        if not column.shape and column.missing == self._rows:
            yield f"Every row of column '{column.name}' is missing."
        elif entry in STRATEGIES:
            yield from self._find_strategy_misfits(column, str(entry))
        else:
            yield from self._find_value_misfits(column, entry)

    def _find_strategy_misfits(self, column: Column, strategy: str) -> Iterator[str]:
        if strategy in _LEARNED and self._is_compared(column.name):
            yield (
                f"Column '{column.name}' is a target or a weight; a missing one cannot be learned "
                f'from others. Take "{DROP}" or a value.'
            )
        elif strategy in ("mean", "median"):
            yield from self._find_average_misfits(column, strategy)
        elif strategy == "most_frequent" and (
            column.distinct is None or column.distinct > MOST_CLASSES
        ):
            yield (
                f"Column '{column.name}' has more than {MOST_CLASSES:,} distinct values, or "
                'several in each row; "most_frequent" needs few values, one in each row.'
            )

    def _find_average_misfits(self, column: Column, strategy: str) -> Iterator[str]:
        kind = kind_of(column.dtype)
        if kind in ("text", "bool"):
            what = "text" if kind == "text" else "true and false"
            yield f"Column '{column.name}' has {what}; the {strategy} needs numbers."
        elif column.min is None and column.missing:
            yield f"Column '{column.name}' has no finite number to compute the {strategy} of."
        for name, columns in self._recipe.inputs.items():
            if column.name in columns and bounds_of(self._dtypes[name]) is not None:
                yield (
                    f"Input '{name}' takes {self._dtypes[name]}, and the {strategy} of column "
                    f"'{column.name}' may have a fraction. Take \"most_frequent\" or a value."
                )

    def _is_compared(self, name: str) -> bool:
        outputs = self._recipe.outputs.values()
        return any(name in (output.target, output.sample_weight) for output in outputs)

    def _find_value_misfits(self, column: Column, value: Missing) -> Iterator[str]:
        kind = kind_of(column.dtype)
        if not _fits(value, column.dtype):
            wanted = _KINDS.get(kind, "a number")
            yield (
                f"Column '{column.name}' is {column.dtype}; its missing values need {wanted}, or "
                f"one of {', '.join(STRATEGIES)}."
            )
        for output in self._recipe.outputs.values():
            if output.target == column.name and _is_no_class(value, output):
                yield f"{value!r} is none of the classes of column '{column.name}'."


def _fits(value: Missing, dtype: str) -> bool:
    kind = kind_of(dtype)
    if kind == "text":
        return isinstance(value, str)
    if kind == "bool" or isinstance(value, bool | str):
        return kind == "bool" and isinstance(value, bool)
    if kind == "float":
        return True
    low, high = bounds_of(dtype) or (value, value)
    return value == int(value) and low <= value <= high


def _is_no_class(value: Missing, output: OutputRecipe) -> bool:
    return output.classes is not None and value not in output.classes


def _describe_unfilled(column: Column) -> str:
    kind = kind_of(column.dtype)
    advised = "median" if kind in ("integer", "float") else "most_frequent"
    return (
        f"Column '{column.name}' has {column.missing} missing values. Say what takes their place: "
        f'`"missing": {{"{column.name}": "{advised}"}}` in `feed`, a value, or "{DROP}", which '
        "leaves their rows out."
    )
