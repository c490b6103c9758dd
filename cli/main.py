"""The command line `graphfit`: runs the whole service or one of its parts.

Heavy packages are imported only in functions, since training processes import `__main__` again.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cli import health, keys, settings, verify
from cli.arguments import parse_count

MOST_WORKERS = 1_000
"""Largest number of workers that one command accepts."""


def main(arguments: Sequence[str] | None = None, *, warns: bool = True) -> int:
    """Runs one command and returns its exit status.

    Args:
        arguments: The command and its arguments; by default those of the process.
        warns: Whether to print warnings, e.g. of environment variables that are no settings.
    """
    options = _make_parser().parse_args(arguments)
    if options.data is not None:
        os.environ["GRAPHFIT_DATA"] = str(options.data.expanduser().resolve())
    if options.reads_settings and not settings.check(
        warns=warns, only_storage=options.only_storage
    ):
        return 1
    fault = _find_schema_fault() if options.checks_schema else None
    if fault is not None:
        sys.stderr.write(f"graphfit: {fault}\n")
        return 1
    status: int = options.command(options)
    return status


def _find_schema_fault() -> str | None:
    """Returns why a part cannot use the schema; None also if the database does not answer."""
    from domain.errors import GraphfitError
    from models_store.database.schema import SchemaMismatch, open_current
    from models_store.settings import Settings

    try:
        open_current(Settings()).close()
    except SchemaMismatch as error:
        return error.detail
    except GraphfitError:
        return None
    return None


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="graphfit", description="Post a graph, get a model.")
    parser.add_argument("--version", action="version", version=_get_version())
    parser.set_defaults(reads_settings=True, only_storage=False, checks_schema=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument("--data", type=Path, help="folder for the embedded database and files")
    address = argparse.ArgumentParser(add_help=False)
    address.add_argument("--host", default="127.0.0.1", help="address to listen on")
    address.add_argument(
        "--port", type=_parse_port, default=8000, help="port to listen on; 0 for any"
    )

    serve = commands.add_parser(
        "serve", parents=[data, address], help="run the API, the workers and the reaper"
    )
    serve.add_argument(
        "--workers",
        type=partial(parse_count, most=MOST_WORKERS),
        default=1,
        metavar="COUNT",
        help="number of workers, each of which trains one job at a time (default: 1)",
    )
    # `serve` reads the settings itself, after it has started the forkserver
    serve.set_defaults(command=_serve, reads_settings=False)
    api = commands.add_parser("api", parents=[data, address], help="run only the HTTP API")
    api.add_argument("--fd", type=int, help="file descriptor of a listening socket")
    api.set_defaults(command=_run_api, checks_schema=True)
    worker = commands.add_parser("worker", parents=[data], help="run one worker")
    worker.add_argument("--device", type=_parse_device, default=None, metavar="cpu|gpu|gpu:0,1")
    worker.add_argument(
        "--number",
        type=partial(parse_count, most=MOST_WORKERS),
        help="which of several workers of this machine it is; names its log lines and heartbeats",
    )
    worker.set_defaults(command=_run_worker, checks_schema=True)
    reaper = commands.add_parser(
        "reaper", parents=[data], help="requeue lost jobs and delete unused files"
    )
    reaper.set_defaults(command=_run_reaper, checks_schema=True)
    migrate = commands.add_parser(
        "migrate", parents=[data], help="create or upgrade the database's schema"
    )
    migrate.set_defaults(command=_migrate)
    keys.add_commands(commands, data)
    verify.add_command(commands, data)
    health.add_command(commands)
    return parser


def _get_version() -> str:
    from importlib.metadata import version

    return version("graphfit")


def _parse_port(text: str) -> int:
    if text.isdigit() and int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError("a number from 0 to 65535")


def _parse_device(text: str) -> str:
    kind, _, numbers = text.partition(":")
    if text in ("cpu", "gpu") or (kind == "gpu" and all(n.isdigit() for n in numbers.split(","))):
        return text
    raise argparse.ArgumentTypeError(
        "`cpu`, `gpu`, or the numbers of GPUs: `gpu:0`, `gpu:0,1`, ..."
    )


def _serve(options: argparse.Namespace) -> int:
    from cli.serve import serve

    return serve(options.host, options.port, partial(main, warns=False), options.workers)


def _run_api(options: argparse.Namespace) -> int:
    from api.server import run

    run(options.host, options.port, fd=options.fd)
    return 0


def _run_worker(options: argparse.Namespace) -> int:
    gpus = _select_gpus(options.device) if options.device is not None else 0
    from worker.supervisor.main import run

    return run(gpus, options.number)


def _select_gpus(device: str) -> int:
    """Hides other GPUs from TensorFlow. Returns how many GPUs the worker must have."""
    kind, _, numbers = device.partition(":")
    if numbers or kind == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = numbers or "-1"
    return len(numbers.split(",")) if kind == "gpu" else 0


def _run_reaper(options: argparse.Namespace) -> int:
    from worker.reaper.main import run

    run()
    return 0


def _migrate(options: argparse.Namespace) -> int:
    from domain.errors import GraphfitError
    from models_store.database.engine import Database
    from models_store.database.migrate import migrate
    from models_store.settings import Settings

    try:
        migrate(Database.from_settings(Settings(), patient=True))
    except GraphfitError as error:
        sys.stderr.write(f"graphfit: {error.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
