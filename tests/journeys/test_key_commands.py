"""The output and the errors of `graphfit keys`."""

import re

import pytest

from cli.main import main
from domain.key import SECRET
from models_store.database.engine import Database
from models_store.records import keys


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


def test_a_database_without_tables_prints_a_line_and_exits_with_1(
    empty_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = empty_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("GRAPHFIT_DATABASE_URL", url)
    assert main(["keys", "create", "--owner", "ada"]) == 1
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
