"""The tutorial runs as printed in each of its languages, and gives the same figures in each."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.datasets import load_wine

from tests.docs.blocks import addressed, blocks, languages, run_bash, run_node, run_python
from tests.support.browser import open_page
from tests.support.service import ROOT, Service

TUTORIAL = ROOT / "docs" / "tutorial"
CURL, PYTHON, JAVASCRIPT = (TUTORIAL / f"{name}.md" for name in ("curl", "python", "javascript"))
RUN = {"README": {"console"}, "curl": {"sh"}, "python": {"python"}, "javascript": {"javascript"}}
"""The languages of each page. `console` is what the reader types before the service runs."""


def accuracy(printed: str) -> float:
    """Finds the last validation accuracy in what a program printed."""
    figures: list[str] = re.findall(r"\"?'?val_accuracy'?\"?: ?([0-9.]+)", printed)
    return float(figures[-1])


@pytest.fixture(scope="module")
def python_output(service: Service) -> str:
    return run_python("".join(blocks(PYTHON, "python")), service)


def test_the_wines_are_those_of_scikit_learn() -> None:
    with (ROOT / "examples" / "wine.csv").open() as file:
        names, *rows = csv.reader(file)
    wine = load_wine()
    assert [[float(cell) for cell in row[:13]] for row in rows] == wine.data.tolist()
    assert [int(row[13]) for row in rows] == wine.target.tolist()
    assert len(names) == 14


@pytest.mark.parametrize("page", sorted(TUTORIAL.glob("*.md")), ids=lambda page: page.stem)
def test_every_block_of_a_page_is_run(page: Path) -> None:
    assert languages(page) == RUN[page.stem]


def test_the_python_tutorial_trains_a_model_that_names_the_cultivars(python_output: str) -> None:
    assert accuracy(python_output) > 0.9
    assert "cultivar 0\ncultivar 1\ncultivar 2\n" in python_output
    assert "'dtype': 'float32'" in python_output  # of the .npz


def test_the_curl_tutorial_gives_the_same_figures(service: Service, python_output: str) -> None:
    printed = run_bash("".join(blocks(CURL, "sh")), service)
    assert accuracy(printed) == accuracy(python_output)
    answer = next(line for line in printed.splitlines() if line.startswith('{"predictions"'))
    rows = json.loads(answer)["predictions"]
    assert [row.index(max(row)) for row in rows] == [0, 1, 2]
    assert "wine.keras" in printed


def test_the_javascript_tutorial_gives_the_same_figures(
    service: Service, python_output: str
) -> None:
    printed = run_node("".join(blocks(JAVASCRIPT, "javascript")[:-1]), service)
    assert accuracy(printed) == accuracy(python_output)
    assert printed.rstrip().endswith("[ 0, 1, 2 ]")


@pytest.fixture
def console(service: Service) -> Iterator[list[str]]:
    """Pastes the blocks into the console of a browser, and gives what it prints."""
    *shared, _node, chooser = blocks(JAVASCRIPT, "javascript")
    with open_page() as page:
        printed: list[str] = []
        page.on("console", lambda message: printed.append(message.text))
        page.goto(f"{service.address}/docs")
        page.add_script_tag(content=addressed("".join([*shared, chooser]), service))
        with page.expect_console_message(lambda message: "model_" in message.text):
            page.locator("input[type=file]").set_input_files(ROOT / "examples" / "wine.csv")
        yield printed


@pytest.mark.slow
def test_the_javascript_tutorial_runs_in_a_browser(console: list[str]) -> None:
    assert console[-1].startswith("model_")
    assert console[-1].endswith("[0, 1, 2]")
