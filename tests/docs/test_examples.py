"""Every example of the documentation is run."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.service import ROOT, Service

GRAPHS = re.findall(
    r"```json\n(.*?)```", (ROOT / "docs" / "graph-language.md").read_text(), re.DOTALL
)


@pytest.mark.parametrize("text", GRAPHS, ids=range(len(GRAPHS)))
def test_each_graph_of_the_language_page_is_accepted(service: Service, text: str) -> None:
    body = {"definition": json.loads(text)}
    answer = service.client.post("/v1/graphs?validate_only=true", json=body)
    assert answer.status_code == 200, answer.text


def test_the_curl_tour_works_as_printed(service: Service) -> None:
    readme = (ROOT / "README.md").read_text()
    tour = readme.split("## A tour with curl")[1].split("```sh\n")[1].split("```")[0]
    script = tour.replace("http://127.0.0.1:8000", service.address)
    assert script != tour
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert [round(row[0]) for row in answer["predictions"]] == [0, 1, 1, 0]


def test_the_example_client_learns_and_predicts(service: Service) -> None:
    command = [sys.executable, "examples/client.py", service.address]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    inside, outside = (row[0] for row in json.loads(last.removeprefix("predictions: ")))
    assert inside > 0.5 > outside
