"""The examples of the page on tables run as printed."""

import json

from tests.docs.blocks import blocks, languages, run_bash, run_python
from tests.support.service import ROOT, Service

PAGE = ROOT / "docs" / "reference" / "tables.md"


def test_every_example_is_run() -> None:
    assert languages(PAGE) == {"sh", "python"}


def test_the_commands_store_the_tables(service: Service) -> None:
    printed = run_bash("".join(f"{block}\necho\n" for block in blocks(PAGE, "sh")), service)
    decoder, answers = json.JSONDecoder(), []
    while printed := printed.strip():
        answer, end = decoder.raw_decode(printed)
        answers.append(answer)
        printed = printed[end:]
    people, left, towns, pixels = answers
    assert [column["dtype"] for column in people["columns"]] == ["int64", "string", "string"]
    assert [column["dtype"] for column in left["columns"]] == ["int64", "bool"]
    assert towns["rows"] == 1
    assert (pixels["columns"][0]["dtype"], pixels["columns"][0]["shape"]) == ("uint8", [2, 2])


def test_the_script_stores_the_tables(service: Service) -> None:
    run_python("".join(blocks(PAGE, "python")), service)
    newest = service.client.get("/v1/datasets?page_size=3").json()["items"]
    shapes = [[column["shape"] for column in dataset["columns"]] for dataset in newest]
    assert shapes == [[[], [None], [2]]] * 3
    assert [dataset["columns"][0]["dtype"] for dataset in newest] == ["int64", "int64", "float32"]
