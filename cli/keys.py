"""`graphfit keys`: makes API keys, lists them and revokes them.

Nothing heavy is imported at module level.
"""

import argparse
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from domain.key import Key

LONGEST_NAME = 128


class Said(NamedTuple):
    """What a command tells once it is done."""

    out: str
    note: str = ""
    """For people: not part of what a script catches."""


Command = Callable[["Connection", argparse.Namespace], Said]


def add_commands(commands: Any, data: argparse.ArgumentParser) -> None:
    """Teaches the command line `keys`.

    Args:
        commands: The subparsers of `graphfit`.
        data: The parent of every command that opens the database.
    """
    keys = commands.add_parser("keys", help="API keys: create, list, revoke")
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", parents=[data], help="make a key and print it, once")
    create.add_argument("--owner", type=_owner, required=True, help="whose things it opens")
    create.add_argument("--name", type=_name, default="", help="what it is for")
    create.set_defaults(command=_running(_create))
    every = actions.add_parser("list", parents=[data], help="all keys, without their secrets")
    every.set_defaults(command=_running(_list))
    revoke = actions.add_parser("revoke", parents=[data], help="end a key for good")
    revoke.add_argument("id", type=_id, metavar="ID", help="of the key, as the list has it")
    revoke.set_defaults(command=_running(_revoke))


def _owner(text: str) -> str:
    from domain.key import OWNER

    if re.fullmatch(OWNER, text):
        return text
    raise argparse.ArgumentTypeError(
        "an owner is 1 to 64 of A-Z a-z 0-9 . _ @ + -, and begins with a letter or digit"
    )


def _name(text: str) -> str:
    if text.isprintable() and len(text) <= LONGEST_NAME:
        return text
    raise argparse.ArgumentTypeError(f"at most {LONGEST_NAME} printable characters")


def _id(text: str) -> str:
    """What is refused is not repeated: it may be the secret itself."""
    from domain.ids import ULID

    if re.fullmatch(f"key_{ULID}", text):
        return text
    raise argparse.ArgumentTypeError("a key's id is like key_01..., as `graphfit keys list` has it")


def _running(command: Command) -> Callable[[argparse.Namespace], int]:
    """The command in one transaction; what stops it is one line and status 1."""

    def run(options: argparse.Namespace) -> int:
        from domain.errors import GraphfitError
        from models_store.database.engine import Database
        from models_store.database.migrate import check_schema
        from models_store.settings import Settings

        try:
            with Database.of(Settings()).write() as connection:
                check_schema(connection)
                said = command(connection, options)
        except GraphfitError as error:
            sys.stderr.write(f"graphfit: {error.detail}\n")
            return 1
        sys.stderr.write(said.note)
        sys.stdout.write(said.out)  # after the commit: a secret that is shown is one that works
        return 0

    return run


def _create(connection: "Connection", options: argparse.Namespace) -> Said:
    from models_store.records import keys

    key, secret = keys.create(connection, options.owner, options.name)
    return Said(f"{secret}\n", f"{key.id} of {key.owner}; the key itself is shown this once:\n")


def _list(connection: "Connection", options: argparse.Namespace) -> Said:
    from models_store.records import keys

    rows = [("ID", "OWNER", "CREATED", "REVOKED", "NAME")]
    rows += [_row(key) for key in keys.every(connection)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return Said("".join(f"{line}\n" for line in lines))


def _row(key: "Key") -> tuple[str, str, str, str, str]:
    revoked = f"{key.revoked_at:%Y-%m-%dT%H:%MZ}" if key.revoked_at else "-"
    return key.id, key.owner, f"{key.created_at:%Y-%m-%dT%H:%MZ}", revoked, key.name


def _revoke(connection: "Connection", options: argparse.Namespace) -> Said:
    from models_store.records import keys

    key = keys.revoke(connection, options.id)
    return Said(f"{key.id} of {key.owner} is revoked\n")
