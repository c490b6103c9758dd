"""Finds the layers of equal name and shape, whose weights can be copied from another model."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from compiler.model.build import BuiltModel


@dataclass(frozen=True)
class Copies:
    """The layers of a model with weights, by what another model has of the same name."""

    equal: dict[str, list[str]] = field(default_factory=dict)
    """The keys of the variables that are copied, by the path of their layer."""
    differing: list[str] = field(default_factory=list)
    """Layers of which the other model has weights of other shapes."""
    absent: list[str] = field(default_factory=list)
    """Layers of which the other model has no weights."""


def find_copies(
    built: BuiltModel, shapes: Mapping[str, Sequence[int]], match: str | None
) -> Copies:
    """Compare the layers of a model with the weights of another one.

    Args:
        built: The model, whether or not its weights are allocated.
        shapes: The shapes of the other model's variables by their keys.
        match: A pattern of the paths of layers; None: all layers.
    """
    found = Copies()
    for path, keys in _group_keys(built).items():
        if match is not None and not any(fnmatchcase(part, match) for part in _list_parents(path)):
            continue
        own = {key: tuple(built.variables[key].shape) for key in keys}
        if all(tuple(shapes.get(key, (-1,))) == shape for key, shape in own.items()):
            found.equal[path] = keys
        elif any(key in shapes for key in keys):
            found.differing.append(path)
        else:
            found.absent.append(path)
    return found


def _group_keys(built: BuiltModel) -> dict[str, list[str]]:
    """Group the keys of the weights by layer, without the states of seed generators."""
    weights = {id(weight) for weight in built.model.weights}
    groups: dict[str, list[str]] = defaultdict(list)
    for key, variable in built.variables.items():
        if id(variable) in weights:
            owner = next(path for path in _list_parents(key) if path in built.layers)
            groups[owner].append(key)
    return groups


def _list_parents(path: str) -> Iterable[str]:
    """Return a path, and what it lies in, from the inside out."""
    tokens = path.split("/")
    return ["/".join(tokens[:count]) for count in range(len(tokens), 0, -1)]
