"""The output and the errors of `graphfit keys`."""

import io
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import main
from domain.key import SECRET
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.database.schema import check_schema
from models_store.records import keys
from tests.support.service import ROOT


@pytest.fixture
def named(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Sets the database of the command line."""
    url = database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRAPHFIT_DATABASE_URL", url)
    return database


def test_a_key_is_created_listed_and_revoked(
    named: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "--owner", "ada", "--name", "the laptop"]) == 0
    printed = capsys.readouterr()
    assert re.fullmatch(f"{SECRET}\n", printed.out)  # nothing else, so that a script can capture it
    (key_id,) = re.findall("key_[0-9a-z]{26}", printed.err)
    assert "of ada" in printed.err

    assert main(["keys", "list"]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["ID", "OWNER", "CREATED", "REVOKED", "NAME"]
    assert line.split(maxsplit=4)[:2] == [key_id, "ada"]
    assert line.split(maxsplit=4)[3:] == ["-", "the laptop"]

    for _ in range(2):  # a second revocation is not an error
        assert main(["keys", "revoke", key_id]) == 0
        assert capsys.readouterr().out == f"{key_id} of ada is revoked\n"
    assert main(["keys", "list"]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", line.split(maxsplit=4)[3])
    with named.read() as connection:
        assert keys.get_owners(connection) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        ["create"],
        ["create", "--owner", ""],
        ["create", "--owner", "a b"],
        ["create", "--owner", "-ada"],
        ["create", "--owner", "ada\n"],
        ["create", "--owner", "a" * 65],
        ["create", "--owner", "ada", "--name", "two\nlines"],
        ["create", "--owner", "ada", "--name", "n" * 129],
        ["create", "--owner", "ada", "--count", "0"],
        ["create", "--owner", "ada", "--count", "10001"],
        ["create", "--owner", "ada", "--count", "many"],
        ["create", "--owner", "ada", "--file", os.devnull],
        ["create", "--file", os.devnull],
        ["create", "--file", "/no/such/file"],
        ["revoke"],
        ["revoke", "ada"],
        [],
    ],
)
def test_wrong_arguments_print_a_line_and_exit_with_2(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["keys", *wrong])
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert not printed.out
    *usage, line = printed.err.splitlines()
    assert "usage: graphfit keys" in usage[0]
    assert ": error: " in line


def test_a_secret_in_place_of_an_id_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    secret = f"gf_{'0' * 26}_{'s' * 43}"
    with pytest.raises(SystemExit):
        main(["keys", "revoke", secret])
    assert "s" * 43 not in capsys.readouterr().err


def test_an_unknown_id_prints_a_line_and_exits_with_1(
    named: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "revoke", f"key_{'0' * 26}"]) == 1
    assert capsys.readouterr().err == f"graphfit: There is no key 'key_{'0' * 26}'.\n"


@pytest.mark.parametrize("command", [["list"], ["revoke", f"key_{'0' * 26}"]])
def test_a_database_without_tables_prints_a_line_and_exits_with_1(
    empty_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    url = empty_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRAPHFIT_DATABASE_URL", url)
    assert main(["keys", *command]) == 1
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err == (
        "graphfit: The database has no schema yet; "
        "`graphfit migrate` or `graphfit serve` creates it.\n"
    )


def test_the_error_of_an_unavailable_database_has_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRAPHFIT_DATABASE_URL", "postgresql://ada:hunter2@127.0.0.1:1/name")
    assert main(["keys", "list"]) == 1
    printed = capsys.readouterr()
    assert printed.err == "graphfit: The database does not answer just now.\n"


def test_a_key_is_created_in_a_database_without_tables(
    empty_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = empty_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRAPHFIT_DATABASE_URL", url)
    assert main(["keys", "create", "--owner", "ada"]) == 0
    printed = capsys.readouterr()
    secret = printed.out.strip()
    assert printed.err.startswith("graphfit: created the tables in ")
    with empty_database.read() as connection:
        check_schema(connection)
        assert keys.get_owners(connection) == {keys.hash_secret(secret): "ada"}
    assert main(["keys", "create", "--owner", "ada"]) == 0
    assert "created the tables" not in capsys.readouterr().err


@pytest.mark.parametrize("version", ["0001", "9999"])
def test_no_key_is_created_in_a_database_of_another_version(
    empty_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    version: str,
) -> None:
    """An older one may belong to a service that runs."""
    migrate(empty_database)
    with empty_database.write() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
    url = empty_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRAPHFIT_DATABASE_URL", url)
    assert main(["keys", "create", "--owner", "ada"]) == 1
    printed = capsys.readouterr()
    assert not printed.out
    assert "schema" in printed.err
    with empty_database.read() as connection:
        assert keys.get_all(connection) == []


def test_count_creates_several_keys_of_an_owner(
    named: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "--owner", "ada", "--name", "lab", "--count", "25"]) == 0
    printed = capsys.readouterr()
    secrets = printed.out.splitlines()
    assert len(set(secrets)) == 25
    assert printed.err == "25 keys; they are printed only once:\n"
    with named.read() as connection:
        assert keys.get_owners(connection) == {keys.hash_secret(s): "ada" for s in secrets}
        assert {key.name for key in keys.get_all(connection)} == {"lab"}


@pytest.mark.parametrize("is_piped", [False, True])
def test_a_file_creates_a_key_for_each_line(
    named: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_piped: bool,
) -> None:
    text = "ada the laptop\nada cluster\n\n  grace\nbob@example.org  Münster\n"
    (tmp_path / "people").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    source = "-" if is_piped else str(tmp_path / "people")
    assert main(["keys", "create", "--file", source, "--name", "new"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[1:] for row in rows] == [
        ["ada", "the laptop"],
        ["ada", "cluster"],
        ["grace", "new"],
        ["bob@example.org", "Münster"],
    ]
    with named.read() as connection:
        assert keys.get_owners(connection) == {keys.hash_secret(row[0]): row[1] for row in rows}


def test_a_wrong_line_of_a_file_is_named_and_nothing_is_created(
    named: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "people").write_text("ada\n\n-grace\n")
    with pytest.raises(SystemExit) as end:
        main(["keys", "create", "--file", str(tmp_path / "people")])
    assert end.value.code == 2
    assert "argument --file: line 3: an owner is 1 to 64 of" in capsys.readouterr().err
    with named.read() as connection:
        assert keys.get_all(connection) == []


def test_a_file_and_a_count_create_no_more_than_the_limit(
    named: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "people").write_text("ada\n" * 101)
    assert main(["keys", "create", "--file", str(tmp_path / "people"), "--count", "100"]) == 2
    assert capsys.readouterr().err == "graphfit: one command creates at most 10,000 keys\n"


@pytest.mark.slow
def test_a_key_is_created_about_as_fast_as_the_libraries_load(tmp_path: Path) -> None:
    """A ratio in one run, since seconds depend on the machine and on what else it does."""
    yardstick = measure([sys.executable, "-c", "import pydantic_settings, sqlalchemy"], tmp_path)
    command = [sys.executable, "-m", "cli.main", "keys", "create", "--owner", "ada"]
    new = measure(command, *(tmp_path / str(number) for number in range(5)))
    again = measure(command, tmp_path / "0")
    assert new < 3 * yardstick
    assert again < 2 * yardstick


def measure(command: list[str], *folders: Path) -> float:
    """Returns the processor time of the fastest run, in seconds, with each data folder in turn."""
    times = []
    for folder in folders * (5 // len(folders)):
        environment = {**os.environ, "GRAPHFIT_DATA": str(folder), "GRAPHFIT_AUTH": "keys"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)
