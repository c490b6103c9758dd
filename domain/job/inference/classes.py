"""The classes of the targets of an evaluate job: those of its model."""

from collections.abc import Iterator, Mapping, Sequence

from domain.dataset import ClassValue, Column
from domain.dtype import kind_of
from domain.errors import clip
from domain.graph.walk import Place
from domain.job.columns.classes import takes_classes
from domain.job.columns.places import find_place
from domain.job.job import JobRequest
from domain.job.recipe import Recipe

MOST_SHOWN = 20
"""The most classes that a message names."""
Classes = Mapping[str, Sequence[ClassValue]]


def find_classes(
    request: JobRequest, recipe: Recipe, columns: Mapping[str, Column], known: Classes
) -> dict[str, list[ClassValue]]:
    """Find the classes of each target column.

    Whole numbers are indices of a model whose classes are texts.

    Args:
        request: The request.
        recipe: Names the columns.
        columns: The columns of the dataset by name; those of the recipe exist.
        known: The classes of the model, by output.
    """
    found = dict(request.feed.classes)
    for name, part in recipe.outputs.items():
        if part.target is None or name not in known or part.target in found:
            continue
        is_text = kind_of(columns[part.target].dtype) == "text"
        if is_text or not isinstance(known[name][0], str):
            found[part.target] = [*known[name]]
    return found


def find_class_faults(
    request: JobRequest, recipe: Recipe, columns: Mapping[str, Column], known: Classes
) -> Iterator[tuple[Place, str]]:
    """Find classes that are not those of the model, and targets whose classes are unknown.

    The arguments are those of `find_classes`.
    """
    for name, part in recipe.outputs.items():
        if part.target is None:
            continue
        given, classes = request.feed.classes.get(part.target), known.get(name)
        if given is not None and classes is not None and [*given] != [*classes]:
            yield (
                ("feed", "classes", part.target),
                f"The classes of output '{name}' are {_list(classes)}, in this order, as the model "
                "was trained. Leave `classes` out.",
            )
        is_text = kind_of(columns[part.target].dtype) == "text"
        if is_text and given is None and classes is None and takes_classes(part):
            yield (
                find_place(request, recipe, "targets", name),
                f"Column '{part.target}' is text, and the model knows no classes of output "
                f"'{name}'. List them in `feed.classes`, in the order of its units.",
            )


def _list(classes: Sequence[ClassValue]) -> str:
    shown = [f"'{clip(v)}'" if isinstance(v, str) else str(v) for v in classes[:MOST_SHOWN]]
    return ", ".join(shown) + (", ..." if len(classes) > MOST_SHOWN else "")
