"""Reads and sets the weights of a built model, by the keys of its variables."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from compiler.model.build import BuiltModel

Arrays = Mapping[str, np.ndarray[Any, Any]]


class WeightsMismatch(Exception):
    """The arrays do not match the model's variables."""


def copy_arrays(built: BuiltModel) -> dict[str, np.ndarray[Any, Any]]:
    """Copy all variables, including the states of seed generators, each in its own dtype."""
    return {
        key: np.array(keras.ops.convert_to_numpy(variable))
        for key, variable in built.variables.items()
    }


def assign(built: BuiltModel, arrays: Arrays) -> None:
    """Set every variable of a model.

    Args:
        built: The model.
        arrays: One array for each of its keys, with the variable's shape and dtype.

    Raises:
        WeightsMismatch: A key is missing or unknown, or a shape or dtype differs. No variable has
            changed.
    """
    _assign(built.variables, arrays)


def copy_some(built: BuiltModel, arrays: Arrays, keys: Iterable[str]) -> None:
    """Set some variables to arrays of the same shapes; keys that the model lacks are passed over.

    A layer that has learned its state from data has it in its config, and no variables for it.
    """
    for key in keys:
        if key in built.variables:
            built.variables[key].assign(arrays[key])


def copy_sources(built: BuiltModel, arrays_by_model: Mapping[str, Arrays]) -> None:
    """Set the weights of each Model layer to those of its trained model.

    Args:
        built: The model.
        arrays_by_model: The arrays of each trained model by the model's id, then by key.

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
        raise WeightsMismatch(f"missing: {_list_keys(missing)}; unknown: {_list_keys(extra)}")


def _list_keys(keys: list[str]) -> str:
    listed = ", ".join(keys[:10]) or "none"
    return listed if len(keys) <= 10 else f"{listed} and {len(keys) - 10} more"
