"""The generated pages are current, and every command is documented."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cli.main import _make_parser
from tests.support.service import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("page", ["settings", "layers", "components", "architecture"])
def test_a_generated_page_is_current(page: str) -> None:
    command = [sys.executable, "-m", f"docs.generate_{page}", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `make format`\n{done.stdout}{done.stderr}"


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yields each command of a command line, such as `graphfit keys create`, with its parser."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for name, inner in (pair for group in groups for pair in group.choices.items()):
        yield from commands(inner)
        if not any(isinstance(a, argparse._SubParsersAction) for a in inner._actions):
            yield inner.prog, inner
        assert name in inner.prog


@pytest.mark.parametrize(("prog", "parser"), list(commands(_make_parser())))
def test_each_command_and_its_options_are_documented(
    prog: str, parser: argparse.ArgumentParser
) -> None:
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text()
    assert f"| `{prog}` |" in page
    options = {text for action in parser._actions for text in action.option_strings}
    documented = set(re.findall(r"^\| `(--[a-z]+)` \|", page, re.MULTILINE)) | {"-h", "--help"}
    assert options <= documented
