"""Environment variables that are no settings are warned of."""

import pytest

from cli import settings
from cli.main import _make_parser, main
from tests.docs.test_pages import commands

COMMANDS = [prog.split()[1:] for prog, _ in commands(_make_parser()) if prog != "graphfit serve"]
"""`serve` starts other processes; the test of the demo sees its warning."""
ARGUMENTS = {
    ("keys", "create"): ["--owner", "ada"],
    ("keys", "revoke"): [f"key_{'0' * 26}"],
    ("health",): ["worker"],
}


def test_a_misspelt_variable_is_named_with_the_nearest_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRAPHFIT_MAX_JSON_BITES", "5")
    monkeypatch.setenv("graphfit_lease_second", "5")
    lines = settings.find_unknown()
    assert [line for line in lines if "Did you mean 'GRAPHFIT_MAX_JSON_BYTES'?" in line]
    assert [line for line in lines if "Did you mean 'GRAPHFIT_LEASE_SECONDS'?" in line]


@pytest.mark.parametrize(
    "name",
    [
        "GRAPHFIT_AUTH",
        "graphfit_auth",
        "GRAPHFIT_DATABASE_URL",
        "GRAPHFIT_CHECK_SECONDS",
        "GRAPHFIT_IDLE_SECONDS",
        "GRAPHFIT_HEARTBEATS",
        "GRAPHFIT_PULSES",
        "GRAPHFIT_DEMO_PORT",
        "GRAPHFIT_TEST_REQUIRE_ALL",
        "OTHER_MAX_JSON_BITES",
    ],
)
def test_a_known_variable_is_not_warned_of(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    assert [line for line in settings.find_unknown() if name.upper() in line.upper()] == []


def test_a_command_prints_the_warning_once_and_still_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRAPHFIT_AUHT", "keys")
    monkeypatch.setenv("GRAPHFIT_LEASE_SECONDS", "soon")  # ends the command
    assert main(["reaper"]) == 1
    printed = capsys.readouterr().err.splitlines()
    (warning,) = (line for line in printed if "GRAPHFIT_AUHT" in line)
    assert warning == (
        "graphfit: warning: GRAPHFIT_AUHT is no setting, and is ignored. "
        "Did you mean 'GRAPHFIT_AUTH'?"
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_warns_of_a_misspelt_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setenv("GRAPHFIT_HEARTBEAT", "/tmp")
    monkeypatch.setenv("GRAPHFIT_LEASE_SECONDS", "soon")  # ends the command
    arguments = ARGUMENTS.get(tuple(command), [])
    assert main([*command, *arguments]) == 1
    printed = capsys.readouterr().err
    assert "Did you mean 'GRAPHFIT_HEARTBEATS'?" in printed
