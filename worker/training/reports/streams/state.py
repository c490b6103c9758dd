"""States that are saved as arrays, so that a report continues in another process."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

Array = np.ndarray[Any, Any]
State = dict[str, Array]
"""Arrays by name; the names of the parts of an object begin with that of its attribute."""


class Resumable:
    """Has a state of arrays, numbers and parts with states of their own."""

    STATE: ClassVar[tuple[str, ...]] = ()
    """The attributes that are arrays or numbers. One that is None is not saved."""
    PARTS: ClassVar[tuple[str, ...]] = ()
    """The attributes that are Resumable, None, or lists or mappings of Resumable."""

    def get_state(self) -> State:
        """Returns copies of all arrays and numbers."""
        own = {name: getattr(self, name) for name in self.STATE}
        state = {name: np.array(value) for name, value in own.items() if value is not None}
        for prefix, part in self._list_parts():
            state |= {f"{prefix}/{name}": value for name, value in part.get_state().items()}
        return state

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Continues from a state that an equal object returned."""
        for name in self.STATE:
            if name in state:
                value = state[name]
                setattr(self, name, value.copy() if value.ndim else value.item())
        for prefix, part in self._list_parts():
            start = f"{prefix}/"
            part.set_state(
                {name.removeprefix(start): a for name, a in state.items() if name.startswith(start)}
            )

    def _list_parts(self) -> Iterator[tuple[str, "Resumable"]]:
        for name in self.PARTS:
            part = getattr(self, name)
            if isinstance(part, Resumable):
                yield name, part
            elif isinstance(part, Mapping):
                yield from ((f"{name}/{key}", inner) for key, inner in part.items())
            elif part is not None:
                yield from ((f"{name}/{i}", inner) for i, inner in enumerate(part))
