"""Names this process in Linux's lists (`ps`, `top`), where forks have the name of their parent."""

from contextlib import suppress
from pathlib import Path

COMM = Path("/proc/self/comm")


def name_process(name: str) -> None:
    """Sets the name; does nothing elsewhere than on Linux.

    Args:
        name: At most 15 characters, e.g. `graphfit-worker`.
    """
    with suppress(OSError):
        COMM.write_text(name)
