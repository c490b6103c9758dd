"""Collects the faults of a body, so that one answer lists all of them."""

from typing import NoReturn

from domain.errors import Fault, Invalid

MAX_FAULTS = 100
"""Number of faults at which reading stops."""


class Faults:
    """The faults found so far."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, pointer: str, detail: str) -> None:
        """Adds a fault.

        Raises:
            Invalid: The number of faults has reached `MAX_FAULTS`.
        """
        self._found.append(Fault(pointer=pointer, detail=detail))
        if len(self._found) >= MAX_FAULTS:
            raise Invalid(self._found, f"Only the first {MAX_FAULTS} faults are listed.")

    def stop(self, pointer: str, detail: str) -> NoReturn:
        """Raises a fault after which the body cannot be read, with the faults so far.

        Raises:
            Invalid: Always.
        """
        raise Invalid([*self._found, Fault(pointer=pointer, detail=detail)])

    def check(self) -> None:
        """Raises the faults found so far, if there are any.

        Raises:
            Invalid: Lists every fault.
        """
        if self._found:
            raise Invalid(self._found)
