"""`graphfit keys`: creates, lists and revokes API keys.

Heavy packages are imported only in functions.
"""

import argparse
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.arguments import parse_count

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from domain.key import Key
    from models_store.database.engine import Database
    from models_store.settings import Settings

LONGEST_NAME = 128
MOST_KEYS = 10_000
"""Largest number of keys that one command creates."""


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
    create = actions.add_parser("create", parents=[data], help="create keys and print them once")
    owners = create.add_mutually_exclusive_group(required=True)
    owners.add_argument(
        "--owner",
        type=_parse_owner,
        help="the owner whose data the key gives access to",
    )
    owners.add_argument(
        "--file",
        type=_parse_file,
        help="a file with a line for each key: its owner and, after a space, its name; - reads "
        "standard input",
    )
    create.add_argument("--name", type=_parse_name, default="", help="a note on its use")
    create.add_argument(
        "--count",
        type=partial(parse_count, most=MOST_KEYS),
        default=1,
        help="number of keys of each owner (default: 1)",
    )
    create.set_defaults(command=_create, only_storage=True)
    every = actions.add_parser("list", parents=[data], help="list all keys, without their secrets")
    every.set_defaults(command=_run_in_transaction(_list), only_storage=True)
    revoke = actions.add_parser("revoke", parents=[data], help="revoke a key permanently")
    revoke.add_argument(
        "id", type=_parse_id, metavar="ID", help="the key's id, as `graphfit keys list` prints it"
    )
    revoke.set_defaults(command=_run_in_transaction(_revoke), only_storage=True)


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


def _parse_file(path: str) -> list[tuple[str, str]]:
    """Reads the owner and the name of each line; empty lines are skipped."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise argparse.ArgumentTypeError(f"cannot read '{path}': {error}") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not 0 < len(lines) <= MOST_KEYS:
        raise argparse.ArgumentTypeError(f"'{path}' must have 1 to {MOST_KEYS:,} lines")
    return [_parse_line(number, line) for number, line in lines]


def _parse_line(number: int, line: str) -> tuple[str, str]:
    owner, name = (*line.strip().split(maxsplit=1), "")[:2]
    try:
        return _parse_owner(owner), _parse_name(name)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"line {number}: {error}") from error


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
        from models_store.database.schema import open_current
        from models_store.settings import Settings

        return _print(lambda: _commit(open_current(Settings()), command, options))

    return run


def _commit(database: "Database", command: Command, options: argparse.Namespace) -> Output:
    with database.write() as connection:
        return command(connection, options)


def _print(run: Callable[[], Output]) -> int:
    from domain.errors import GraphfitError

    try:
        output = run()
    except GraphfitError as error:
        sys.stderr.write(f"graphfit: {error.detail}\n")
        return 1
    sys.stderr.write(output.note)
    sys.stderr.flush()
    sys.stdout.write(output.out)  # after the commit, so that a printed secret is valid
    return 0


def _create(options: argparse.Namespace) -> int:
    if options.count * len(options.file or [options.owner]) > MOST_KEYS:
        sys.stderr.write(f"graphfit: one command creates at most {MOST_KEYS:,} keys\n")
        return 2
    return _print(lambda: _create_in_database(options))


def _create_in_database(options: argparse.Namespace) -> Output:
    """Creates the keys, and before that the tables of an empty database."""
    from models_store.database.schema import SchemaMissing, open_current
    from models_store.settings import Settings

    note = ""
    try:
        database = open_current(Settings())
    except SchemaMissing:
        database = _create_tables(Settings())
        note = f"graphfit: created the tables in {database.engine.url!r}\n"
    output = _commit(database, _create_keys, options)
    return output._replace(note=note + output.note)


def _create_tables(settings: "Settings") -> "Database":
    from models_store.database.engine import Database
    from models_store.database.migrate import migrate

    database = Database.from_settings(settings, patient=True)
    migrate(database)
    return database


def _create_keys(connection: "Connection", options: argparse.Namespace) -> Output:
    from models_store.records import keys

    wanted = options.file or [(options.owner, "")]
    created = keys.create_all(
        connection,
        [(owner, name or options.name) for owner, name in wanted for _ in range(options.count)],
    )
    return Output(_format_secrets(created, has_owners=options.file is not None), _note(created))


def _format_secrets(created: "list[tuple[Key, str]]", *, has_owners: bool) -> str:
    """Returns a line for each key: the secret and, if asked for, its owner and name after tabs."""
    lines = [
        "\t".join((secret, key.owner, key.name)).rstrip() if has_owners else secret
        for key, secret in created
    ]
    return "".join(f"{line}\n" for line in lines)


def _note(created: "list[tuple[Key, str]]") -> str:
    if len(created) > 1:
        return f"{len(created):,} keys; they are printed only once:\n"
    ((key, _),) = created
    return f"{key.id} of {key.owner}; the key is printed only once:\n"


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
