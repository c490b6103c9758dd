"""Runs every benchmark in turn, or those that are named (`make bench`)."""

import importlib
import sys

ALL = (
    "steps_per_second",
    "submit_to_first_epoch",
    "check_cost",
    "claims",
    "lost_worker",
    "tiny_jobs",
    "sweep",
    "serve_start",
    "attacks",
    "request_rates",
    "first_prediction",
    "json_columns",
    "large_data",
    "tables",
    "uploads",
    "arrays",
    "adapt",
    "text_predictions",
    "predict_job",
)


def main(names: list[str]) -> None:
    """Run the `main` of each benchmark."""
    for name in names or ALL:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
