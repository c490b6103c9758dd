"""Runs every example of the page of datasets."""

import json

import pytest

from tests.docs.blocks import blocks, languages, run_bash, run_python
from tests.support.service import ROOT, Service

PAGE = ROOT / "docs" / "reference" / "datasets.md"
BODIES = blocks(PAGE, "json")


def test_every_block_is_run() -> None:
    assert languages(PAGE) == {"json", "ndjson", "python", "sh"}


@pytest.mark.parametrize("text", BODIES, ids=range(len(BODIES)))
def test_each_body_becomes_a_dataset(service: Service, text: str) -> None:
    answer = service.client.post("/v1/datasets", json=json.loads(text))
    assert answer.status_code == 201, answer.text
    assert answer.json()["rows"] == 3


def test_the_lines_become_a_dataset(service: Service) -> None:
    (text,) = blocks(PAGE, "ndjson")
    headers = {"Content-Type": "application/x-ndjson"}
    answer = service.client.post("/v1/datasets", content=text, headers=headers)
    assert answer.status_code == 201, answer.text


def test_the_script_sends_arrays_and_images_and_splits(service: Service) -> None:
    assert run_python("\n".join(blocks(PAGE, "python")), service) == "2 2\n"


def test_the_form_is_sent(service: Service) -> None:
    assert json.loads(run_bash("\n".join(blocks(PAGE, "sh")), service))["name"] == "ages"
