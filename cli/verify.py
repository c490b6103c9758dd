"""`graphfit verify`: checks that each file in the database exists and has the recorded hash.

Heavy packages are imported only in functions.
"""

import argparse
import sys
from typing import Any

FAULTY, UNFINISHED = 1, 2
"""Exit statuses; 0 means that no file is faulty."""


def add_command(commands: Any, data: argparse.ArgumentParser) -> None:
    """Adds `verify` to the command line.

    Args:
        commands: The subparsers of `graphfit`.
        data: The parent of every command that opens the database.
    """
    verify = commands.add_parser(
        "verify", parents=[data], help="compare the stored files with the database"
    )
    verify.set_defaults(command=_verify)


def _verify(_: argparse.Namespace) -> int:
    from domain.errors import GraphfitError
    from models_store.database.schema import open_current
    from models_store.files.store import open_store
    from models_store.maintenance.verify import verify
    from models_store.settings import Settings

    settings = Settings()
    count = faults = 0
    try:
        database = open_current(settings)
        for file in verify(database, open_store(settings)):
            count += 1
            if file.fault is not None:
                faults += 1
                sys.stdout.write(f"{file.key}: {file.fault}{_explain_checkpoint(file.key)}\n")
    except GraphfitError as error:
        sys.stderr.write(f"graphfit: {error.detail}\n")
        return UNFINISHED
    sys.stdout.write(f"{count} files checked, {faults} faulty\n")
    return FAULTY if faults else 0


def _explain_checkpoint(key: str) -> str:
    is_checkpoint = key.rpartition("/")[2].startswith("checkpoint-")
    return (
        " (a checkpoint; without it the job restarts from the beginning)" if is_checkpoint else ""
    )
