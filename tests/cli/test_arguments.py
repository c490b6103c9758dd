"""The arguments of the command line, and the program that is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import _make_parser, main


def test_the_installed_program_runs_in_any_folder(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "graphfit"
    done = subprocess.run(
        [program, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0.2.0\n"


def test_serve_runs_one_worker_by_default() -> None:
    assert _make_parser().parse_args(["serve"]).workers == 1
    assert _make_parser().parse_args(["serve", "--workers", "3"]).workers == 3


@pytest.mark.parametrize("count", ["0", "-1", "two", "1.5", "1001", ""])
def test_a_wrong_number_of_workers_exits_with_2(
    count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["serve", f"--workers={count}"])
    assert end.value.code == 2
    assert "argument --workers: a number from 1 to 1,000" in capsys.readouterr().err
