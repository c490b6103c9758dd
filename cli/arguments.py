"""Values of command-line arguments."""

import argparse


def parse_count(text: str, most: int) -> int:
    """Returns a whole number from 1 to the largest one.

    Raises:
        argparse.ArgumentTypeError: The text is no such number.
    """
    if text.isdecimal() and 0 < int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"a number from 1 to {most:,}")
