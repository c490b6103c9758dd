"""Resolves the classes of targets: which index stands for which value of a column."""

from collections.abc import Iterator, Mapping, Sequence

from domain.dataset import MOST_CLASSES, ClassValue, Column
from domain.dtype import kind_of
from domain.errors import clip, did_you_mean
from domain.graph.walk import Place
from domain.job.columns.places import find_place
from domain.job.job import JobRequest
from domain.job.recipe import Component, OutputRecipe, Recipe
from domain.job.targets import simplify_name, takes_indices

_ONE_HOT = "categorical"
_INDEX = ("sparse", "binary", "bce")
"""How the names of the losses and metrics on classes begin."""
_BY_SHAPES = ("crossentropy", "ce", "accuracy", "acc")
"""Names that Keras resolves by the shapes; class indices fit all of them."""
_ONE_UNIT = ("binary", "bce")
Found = Iterator[tuple[Place, str]]
Columns = Mapping[str, Column]


class ClassResolver:
    """Finds the classes of the targets of a training."""

    def __init__(
        self,
        request: JobRequest,
        recipe: Recipe,
        columns: Columns,
        inherited: Mapping[str, Sequence[ClassValue]],
    ) -> None:
        """Resolves nothing yet.

        Args:
            request: The job's request.
            recipe: Its recipe, without classes.
            columns: The columns of the dataset by name; those of the recipe exist.
            inherited: The classes of the model from which training starts, by output.
        """
        self._request, self._recipe, self._columns = request, recipe, columns
        self._inherited = inherited

    def resolve(self) -> Recipe:
        """Return the recipe with the classes of its outputs."""
        outputs = {
            name: self._resolve_output(name, output)
            for name, output in self._recipe.outputs.items()
        }
        return self._recipe.model_copy(update={"outputs": outputs})

    def _resolve_output(self, name: str, output: OutputRecipe) -> OutputRecipe:
        values = self._list_classes(name, output)
        if values is None or not takes_classes(output):
            return output
        plain = simplify(output)
        one_hot = plain.startswith(_ONE_HOT) and not takes_indices(plain)
        return output.model_copy(update={"classes": values, "one_hot": one_hot})

    def _list_classes(self, name: str, output: OutputRecipe) -> list[ClassValue] | None:
        if output.target is None:
            return None
        column = self._columns[output.target]
        given = self._request.feed.classes.get(output.target)
        if given is None and kind_of(column.dtype) == "text":
            given = [*self._inherited.get(name, ())] or _list_values(column)
        return given

    def find_faults(self) -> Found:
        """Find classes that do not fit their column, and columns that have no classes."""
        yield from self._find_unknown()
        for name, output in self._recipe.outputs.items():
            if output.target is None:
                continue
            given = self._request.feed.classes.get(output.target)
            place = find_place(self._request, self._recipe, "targets", name)
            if given is not None:
                place = ("feed", "classes", output.target)
            column = self._columns[output.target]
            if given is not None or (kind_of(column.dtype) == "text" and takes_classes(output)):
                values = self._list_classes(name, output)
                for detail in _find_misfits(column, name, output, values):
                    yield place, detail

    def _find_unknown(self) -> Found:
        targets = {o.target for o in self._recipe.outputs.values() if o.target is not None}
        for name in self._request.feed.classes:
            if name not in targets:
                near = did_you_mean(name, targets)
                detail = f"No output has the target '{clip(name)}'.{near}"
                yield ("feed", "classes", name), detail


def find_other_classes(recipe: Recipe, columns: Columns) -> Found:
    """Find values of a validation dataset that are no classes of the training.

    Args:
        recipe: The recipe, with classes.
        columns: The columns of the validation dataset by name; those of the recipe exist.
    """
    for output in recipe.outputs.values():
        if output.classes is not None and output.target is not None:
            column = columns[output.target]
            if column.classes is None:
                detail = f"Column '{column.name}' has more than {MOST_CLASSES:,} distinct values."
                yield ("validation_dataset",), detail
            else:
                for detail in _find_unknown_values(column, output.classes):
                    yield ("validation_dataset",), detail


def takes_classes(output: OutputRecipe) -> bool:
    """Return whether the loss of an output compares classes; without a loss, its first metric."""
    return _compares_classes(simplify(output))


def simplify(output: OutputRecipe) -> str:
    """Return the loss of an output, or its first metric, without case and underscores.

    Of several losses, it is the first one that compares classes.
    """
    specs = output.losses or output.all_metrics[:1]
    names = [simplify_name(spec.type if isinstance(spec, Component) else spec) for spec in specs]
    return next(filter(_compares_classes, names), names[0] if names else "")


def _compares_classes(plain: str) -> bool:
    return plain.startswith((_ONE_HOT, *_INDEX)) or plain in _BY_SHAPES


def find_threshold(output: OutputRecipe) -> float:
    """Return the least number of the second class, for an output with one unit."""
    configs = [loss.config for loss in output.losses if isinstance(loss, Component)]
    return 0.0 if any(config.get("from_logits") for config in configs) else 0.5


def find_unit_misfits(output: OutputRecipe, name: str, row: Sequence[int | None]) -> Iterator[str]:
    """Find whether an output has another number of units than its target has classes.

    Args:
        output: The recipe of the output.
        name: The name of the output.
        row: The shape of one row of the output.
    """
    if output.classes is None or not row or row[-1] is None:
        return
    units, count = row[-1], len(output.classes)
    if units == 1:
        if count != 2:
            yield (
                f"Column '{output.target}' has {count} classes and output '{name}' one unit, which "
                f"tells two classes apart; {count} classes need {count} units and a softmax."
            )
    elif simplify(output).startswith(_ONE_UNIT):
        yield (
            f"Output '{name}' has {units} units; classes under '{simplify(output)}' need one unit, "
            "or a categorical loss."
        )
    elif count > units or (output.one_hot and count != units):
        yield (
            f"Column '{output.target}' has {count} classes, from {_show(output.classes[0])} to "
            f"{_show(output.classes[-1])}; output '{name}' has {units} units. Give it one unit "
            "for each class, or list the classes in `feed.classes`."
        )


def _list_values(column: Column) -> list[ClassValue] | None:
    return None if column.classes is None else [item.value for item in column.classes]


def _find_misfits(
    column: Column, name: str, output: OutputRecipe, values: list[ClassValue] | None
) -> Iterator[str]:
    if not takes_classes(output):
        yield (
            f"The loss of output '{name}' takes no classes; classes need a categorical, sparse "
            "categorical or binary loss."
        )
    elif kind_of(column.dtype) == "float" or column.shape:
        what = f"is {column.dtype}" if not column.shape else f"has rows of the shape {column.shape}"
        yield (
            f"Column '{column.name}' {what}; classes need one text, whole number or boolean in "
            "each row."
        )
    elif values is None or column.classes is None:
        yield (
            f"Column '{column.name}' has more than {MOST_CLASSES:,} distinct values, or values too "
            "long to count; classes are few. Send class indices as whole numbers."
        )
    else:
        yield from _find_other_values(column, values)


def _find_other_values(column: Column, values: list[ClassValue]) -> Iterator[str]:
    assert column.classes is not None
    keys = [(type(value), value) for value in values]
    if len(values) < 2:
        yield (
            f"Column '{column.name}' has {len(values)} distinct values; a target of classes needs "
            "two, or a list in `feed.classes`."
        )
    if len(set(keys)) < len(keys):
        twice = next(value for i, value in enumerate(values) if keys[i] in keys[:i])
        yield f"Class {_show(twice)} appears twice."
    yield from _find_unknown_values(column, values)


def _find_unknown_values(column: Column, values: Sequence[ClassValue]) -> Iterator[str]:
    """Find values of a column that are no classes."""
    known = {(type(value), value) for value in values}
    assert column.classes is not None
    others = [c.value for c in column.classes if (type(c.value), c.value) not in known]
    if others:
        yield (
            f"Column '{column.name}' holds {_show(others[0])}, which is no class; the classes are "
            f"{', '.join(_show(value) for value in values[:20])}"
            f"{', ...' if len(values) > 20 else ''}."
        )


def _show(value: ClassValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{clip(value)}'" if isinstance(value, str) else str(value)
