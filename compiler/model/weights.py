"""Weights in and out of a built model, by Graphfit's own keys."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from compiler.model.build import Built

Arrays = Mapping[str, np.ndarray[Any, Any]]


class WeightsMismatch(Exception):
    """These arrays do not belong to this model."""


def arrays_of(built: Built) -> dict[str, np.ndarray[Any, Any]]:
    """Copies of all variables, seed states included, each in its own dtype."""
    return {
        key: np.array(keras.ops.convert_to_numpy(variable))
        for key, variable in built.variables.items()
    }


def assign(built: Built, arrays: Arrays) -> None:
    """Set every variable of a model.

    Args:
        built: The model.
        arrays: Exactly its keys, each with the variable's shape and dtype.

    Raises:
        WeightsMismatch: a key is missing or unknown, or a shape or dtype differs; nothing is set.
    """
    _assign(built.variables, arrays)


def copy_sources(built: Built, arrays_by_model: Mapping[str, Arrays]) -> None:
    """Set the weights of each Model layer to those of the model it was made from.

    Args:
        built: The model.
        arrays_by_model: The arrays of each source by model id, with the source's own keys.

    Raises:
        WeightsMismatch: a source is missing, or its arrays do not fit.
    """
    for source in built.sources:
        if source.model not in arrays_by_model:
            raise WeightsMismatch(f"the weights of {source.model} are missing")
        _assign(source.variables, arrays_by_model[source.model])


def _assign(variables: Mapping[str, Any], arrays: Arrays) -> None:
    _same_keys(variables.keys(), arrays.keys())
    for key, variable in variables.items():
        wanted = (tuple(variable.shape), variable.dtype)
        given = (arrays[key].shape, str(arrays[key].dtype))
        if wanted != given:
            raise WeightsMismatch(f"'{key}' is {given[1]}{given[0]}, not {wanted[1]}{wanted[0]}")
    for key, variable in variables.items():
        variable.assign(arrays[key])


def _same_keys(wanted: Iterable[str], given: Iterable[str]) -> None:
    missing, extra = sorted(set(wanted) - set(given)), sorted(set(given) - set(wanted))
    if missing or extra:
        raise WeightsMismatch(f"missing: {_listed(missing)}; unknown: {_listed(extra)}")


def _listed(keys: list[str]) -> str:
    shown = ", ".join(keys[:10]) or "none"
    return shown if len(keys) <= 10 else f"{shown} and {len(keys) - 10} more"
