"""Prints figures."""

from collections.abc import Sequence


def show(title: str, rows: Sequence[tuple[str, float]]) -> None:
    """A title, then a line a figure."""
    print(title)
    for name, value in rows:
        print(f"  {name:<40} {value:10.3f}")
