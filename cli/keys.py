"""`graphfit keys`: creates, lists and revokes API keys.

Heavy packages are imported only in functions.
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


class Output(NamedTuple):
    """The output of a command, printed after its transaction."""

    out: str
    """For standard output, which scripts read."""
    note: str = ""
    """For standard error, for people."""


Command = Callable[["Connection", argparse.Namespace], Output]


def add_commands(commands: Any, data: argparse.ArgumentParser) -> None:
    """Adds `keys` to the command line.

    Args:
        commands: The subparsers of `graphfit`.
        data: The parent of every command that opens the database.
    """
    keys = commands.add_parser("keys", help="create, list or revoke API keys")
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", parents=[data], help="create a key and print it once")
    create.add_argument(
        "--owner",
        type=_parse_owner,
        required=True,
        help="the owner whose data the key gives access to",
    )
    create.add_argument("--name", type=_parse_name, default="", help="a note on its use")
    create.set_defaults(command=_run_in_transaction(_create))
    every = actions.add_parser("list", parents=[data], help="list all keys, without their secrets")
    every.set_defaults(command=_run_in_transaction(_list))
    revoke = actions.add_parser("revoke", parents=[data], help="revoke a key permanently")
    revoke.add_argument(
        "id", type=_parse_id, metavar="ID", help="the key's id, as `graphfit keys list` prints it"
    )
    revoke.set_defaults(command=_run_in_transaction(_revoke))


def _parse_owner(text: str) -> str:
    from domain.key import OWNER

    if re.fullmatch(OWNER, text):
        return text
    raise argparse.ArgumentTypeError(
        "an owner is 1 to 64 of A-Z a-z 0-9 . _ @ + -, and begins with a letter or digit"
    )


def _parse_name(text: str) -> str:
    if text.isprintable() and len(text) <= LONGEST_NAME:
        return text
    raise argparse.ArgumentTypeError(f"at most {LONGEST_NAME} printable characters")


def _parse_id(text: str) -> str:
    """Checks an id. The error does not repeat it, since it may be the secret itself."""
    from domain.ids import ULID

    if re.fullmatch(f"key_{ULID}", text):
        return text
    raise argparse.ArgumentTypeError(
        "a key's id is like key_01..., as `graphfit keys list` prints it"
    )


def _run_in_transaction(command: Command) -> Callable[[argparse.Namespace], int]:
    """Runs the command in one transaction. On an error it prints one line and returns 1."""

    def run(options: argparse.Namespace) -> int:
        from domain.errors import GraphfitError
        from models_store.database.migrate import open_current
        from models_store.settings import Settings

        try:
            with open_current(Settings()).write() as connection:
                output = command(connection, options)
        except GraphfitError as error:
            sys.stderr.write(f"graphfit: {error.detail}\n")
            return 1
        sys.stderr.write(output.note)
        sys.stdout.write(output.out)  # after the commit, so that a printed secret is valid
        return 0

    return run


def _create(connection: "Connection", options: argparse.Namespace) -> Output:
    from models_store.records import keys

    key, secret = keys.create(connection, options.owner, options.name)
    return Output(f"{secret}\n", f"{key.id} of {key.owner}; the key is printed only once:\n")


def _list(connection: "Connection", options: argparse.Namespace) -> Output:
    from models_store.records import keys

    rows = [("ID", "OWNER", "CREATED", "REVOKED", "NAME")]
    rows += [_format_row(key) for key in keys.get_all(connection)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return Output("".join(f"{line}\n" for line in lines))


def _format_row(key: "Key") -> tuple[str, str, str, str, str]:
    revoked = f"{key.revoked_at:%Y-%m-%dT%H:%MZ}" if key.revoked_at else "-"
    return key.id, key.owner, f"{key.created_at:%Y-%m-%dT%H:%MZ}", revoked, key.name


def _revoke(connection: "Connection", options: argparse.Namespace) -> Output:
    from models_store.records import keys

    key = keys.revoke(connection, options.id)
    return Output(f"{key.id} of {key.owner} is revoked\n")
