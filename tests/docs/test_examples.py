"""Runs every example of the reference and of the README."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.docs.blocks import blocks, run_bash
from tests.support.service import ROOT, Service

LANGUAGE, JOBS = (
    (ROOT / "docs" / "reference" / name).read_text() for name in ("graph-language.md", "jobs.md")
)
GRAPHS = re.findall(r"```json\n(.*?)```", LANGUAGE, re.DOTALL)
GRAPH, DATASET, *BODIES = re.findall(r"```json\n(.*?)```", JOBS, re.DOTALL)
PREDICTIONS = [text for text in BODIES if json.loads(text).keys() & {"instances", "inputs"}]
REQUESTS = [text for text in BODIES if text not in PREDICTIONS]
NOBODY = "0" * 26
"""The placeholder in the examples for an id of the reader."""


@pytest.mark.parametrize("text", GRAPHS, ids=range(len(GRAPHS)))
def test_each_graph_of_the_language_page_is_accepted(service: Service, text: str) -> None:
    body = {"definition": json.loads(text)}
    answer = service.client.post("/v1/graphs?validate_only=true", json=body)
    assert answer.status_code == 200, answer.text


def test_the_curl_line_of_the_language_page_posts_a_graph(service: Service) -> None:
    line = LANGUAGE.split("```sh\n")[1].split("```")[0]
    answer = run_bash(line, service)
    assert json.loads(answer)["id"].startswith("graph_")


@pytest.mark.slow
def test_the_script_of_the_language_page_sends_a_model_and_gets_it_back(service: Service) -> None:
    script = LANGUAGE.split("```python\n")[1].split("```")[0]
    changed = script.replace("http://127.0.0.1:8000", service.address)
    command = [sys.executable, "-c", changed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{'block1.kind': 'block1_kind'}\n"


@pytest.fixture(scope="module")
def own(service: Service) -> dict[str, str]:
    """Ids for the placeholders of the jobs page: its graph, its dataset and its first model."""
    ids = {}
    for kind, text in (("graph", GRAPH), ("dataset", DATASET)):
        answer = service.client.post(f"/v1/{kind}s", json=json.loads(text))
        assert answer.status_code == 201, answer.text
        ids[f"{kind}_{NOBODY}"] = answer.json()["id"]
    first = service.trained(**json.loads(_filled(REQUESTS[0], ids)))
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(DATASET.encode())),
        "Content-Type": "application/offset+octet-stream",
    }
    upload = service.client.post("/v1/uploads", content=DATASET.encode(), headers=headers).json()
    return {**ids, f"model_{NOBODY}": first["model"], f"upload_{NOBODY}": upload["id"]}


@pytest.mark.parametrize("text", REQUESTS, ids=range(len(REQUESTS)))
def test_each_job_of_the_jobs_page_succeeds(
    service: Service, own: dict[str, str], text: str
) -> None:
    job = service.trained(**json.loads(_filled(text, own)))
    assert (job["model"] is not None) == (job["kind"] in ("train", "build"))
    assert (job["dataset"] is not None) == (job["kind"] in ("import", "predict"))


@pytest.mark.parametrize("text", PREDICTIONS, ids=range(len(PREDICTIONS)))
def test_each_prediction_of_the_jobs_page_is_answered(
    service: Service, own: dict[str, str], text: str
) -> None:
    model = own[f"model_{NOBODY}"]
    answer = service.client.post(f"/v1/models/{model}:predict", json=json.loads(text))
    assert answer.status_code == 200, answer.text
    predicted = answer.json()
    rows = predicted["predictions"] if "predictions" in predicted else predicted["outputs"]["topic"]
    assert len(rows) == 2


def _filled(text: str, ids: dict[str, str]) -> str:
    for placeholder, identifier in ids.items():
        text = text.replace(placeholder, identifier)
    return text


def test_the_bodies_of_the_readme_are_accepted_and_returned(service: Service) -> None:
    body, _job, problem = (json.loads(text) for text in blocks(ROOT / "README.md", "json"))
    assert service.client.post("/v1/graphs?validate_only=true", json=body).status_code == 200
    body["definition"]["nodes"][0]["layer"]["type"] = "Dens"
    answer = service.client.post("/v1/graphs", json=body)
    assert {name: answer.json()[name] for name in problem} == problem


def test_the_curl_tour_works_as_printed(service: Service) -> None:
    readme = (ROOT / "README.md").read_text()
    tour = readme.split("## A tour with curl")[1].split("```sh\n")[1].split("```")[0]
    answer: dict[str, Any] = json.loads(run_bash(tour, service).splitlines()[-1])
    assert [round(row[0]) for row in answer["predictions"]] == [0, 1, 1, 0]


def test_the_example_client_learns_and_predicts(service: Service) -> None:
    command = [sys.executable, "examples/client.py", service.address]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    inside, outside = (row[0] for row in json.loads(last.removeprefix("predictions: ")))
    assert inside > 0.5 > outside
