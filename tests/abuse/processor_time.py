"""The processor time of threads, which does not depend on the other work of the machine."""

from pathlib import Path


def measure_processor_time(process: int) -> float:
    """Returns the seconds for which the main thread of a process has run."""
    nanoseconds, _, _ = Path(f"/proc/{process}/schedstat").read_text().split()
    return int(nanoseconds) / 1e9
