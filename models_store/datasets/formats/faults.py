"""Gathers what is wrong with a body, so that a client hears all of it at once."""

from typing import NoReturn

from domain.errors import Fault, Invalid

MOST = 100
"""A body of a million bad rows is not read to its end."""


class Faults:
    """What has been found so far."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, pointer: str, detail: str) -> None:
        """Notes one thing.

        Raises:
            Invalid: there are so many that reading on is of no use.
        """
        self._found.append(Fault(pointer=pointer, detail=detail))
        if len(self._found) >= MOST:
            raise Invalid(self._found, f"The first {MOST} things that are wrong are listed.")

    def stop(self, pointer: str, detail: str) -> NoReturn:
        """Notes a thing after which nothing can be read.

        Raises:
            Invalid: always.
        """
        raise Invalid([*self._found, Fault(pointer=pointer, detail=detail)])

    def check(self) -> None:
        """Nothing, when nothing is wrong.

        Raises:
            Invalid: everything that was found.
        """
        if self._found:
            raise Invalid(self._found)
