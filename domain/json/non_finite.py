"""The names of numbers that are not finite, which JSON cannot express as numbers."""

import math
from typing import Literal, get_args

NonFiniteName = Literal["NaN", "Infinity", "-Infinity"]
NON_FINITE_NAMES: tuple[NonFiniteName, ...] = get_args(NonFiniteName)


def name_non_finite(number: float) -> NonFiniteName:
    """Name a number that is not finite."""
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"
