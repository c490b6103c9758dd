"""The range of a column's values, gathered block by block."""

from typing import Any

import numpy as np
import numpy.typing as npt


class Statistics:
    """Smallest and largest finite value, and how many are not finite."""

    def __init__(self) -> None:
        self.min: float | None = None
        self.max: float | None = None
        self.not_finite = 0

    def add(self, block: npt.NDArray[Any]) -> None:
        """Takes in a block; most hold finite values alone, and then two passes are enough."""
        low, high = float(block.min()), float(block.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            finite = block[np.isfinite(block)]
            self.not_finite += block.size - finite.size
            if finite.size == 0:
                return
            low, high = float(finite.min()), float(finite.max())
        self.min = low if self.min is None else min(self.min, low)
        self.max = high if self.max is None else max(self.max, high)
