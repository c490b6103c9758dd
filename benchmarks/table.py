"""Prints tables of figures."""

from collections.abc import Sequence


def show(title: str, rows: Sequence[tuple[str, float]]) -> None:
    """Print a title, and one line for each figure."""
    print(title)
    for name, value in rows:
        print(f"  {name:<40} {value:10.3f}")
