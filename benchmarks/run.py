"""`make bench`: every benchmark in turn, or those named."""

import importlib
import sys

ALL = (
    "steps_per_second",
    "submit_to_first_epoch",
    "check_cost",
    "claims",
    "lost_worker",
    "tiny_jobs",
    "serve_start",
)


def main(names: list[str]) -> None:
    """Runs each benchmark's `main`."""
    for name in names or ALL:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
