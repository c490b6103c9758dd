"""Divides the rows of a dataset by a `validation_split`."""

import math


def count_training_rows(rows: int, validation_split: float) -> int:
    """Count the rows that are trained on; the remaining ones, the last, validate.

    Rounds as Keras's `fit` does.
    """
    return math.floor(rows * (1.0 - validation_split))
