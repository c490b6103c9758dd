"""Reads and sets the weights of a built model, by the keys of its variables."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from compiler.model.build import Built

Arrays = Mapping[str, np.ndarray[Any, Any]]


class WeightsMismatch(Exception):
    """The arrays are not those of the model's variables."""


def arrays_of(built: Built) -> dict[str, np.ndarray[Any, Any]]:
    """Copy all variables, including the states of seed generators, each in its own dtype."""
    return {
        key: np.array(keras.ops.convert_to_numpy(variable))
        for key, variable in built.variables.items()
    }


def assign(built: Built, arrays: Arrays) -> None:
    """Set every variable of a model.

    Args:
        built: The model.
        arrays: One array for each of its keys, with the variable's shape and dtype.

    Raises:
        WeightsMismatch: A key is missing or unknown, or a shape or dtype differs. Nothing is set.
    """
    _assign(built.variables, arrays)


def copy_sources(built: Built, arrays_by_model: Mapping[str, Arrays]) -> None:
    """Set the weights of each Model layer to those of its trained model.

    Args:
        built: The model.
        arrays_by_model: The arrays of each trained model by id, with its own keys.

    Raises:
        WeightsMismatch: A trained model is missing, or its arrays do not fit.
    """
    for source in built.sources:
        if source.model not in arrays_by_model:
            raise WeightsMismatch(f"the weights of {source.model} are missing")
        _assign(source.variables, arrays_by_model[source.model])


def _assign(variables: Mapping[str, Any], arrays: Arrays) -> None:
    _compare_keys(variables.keys(), arrays.keys())
    for key, variable in variables.items():
        wanted = (tuple(variable.shape), variable.dtype)
        given = (arrays[key].shape, str(arrays[key].dtype))
        if wanted != given:
            raise WeightsMismatch(f"'{key}' is {given[1]}{given[0]}, not {wanted[1]}{wanted[0]}")
    for key, variable in variables.items():
        variable.assign(arrays[key])


def _compare_keys(wanted: Iterable[str], given: Iterable[str]) -> None:
    missing, extra = sorted(set(wanted) - set(given)), sorted(set(given) - set(wanted))
    if missing or extra:
        raise WeightsMismatch(f"missing: {_listed(missing)}; unknown: {_listed(extra)}")


def _listed(keys: list[str]) -> str:
    shown = ", ".join(keys[:10]) or "none"
    return shown if len(keys) <= 10 else f"{shown} and {len(keys) - 10} more"
