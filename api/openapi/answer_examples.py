"""The examples of answers in the OpenAPI document, from `openapi/answers/`.

A file is named after an operation (`cancelJob.json`) or after the schema of an answer
(`JobAnswer.json`). The example of a page is made from that of its items.
"""

import json
import re
from pathlib import Path
from typing import Any

from api.openapi.operations import list_operations
from api.openapi.schema_tree import get_reference

FOLDER = Path(__file__).parents[2] / "openapi" / "answers"
_SUFFIXES = {"text/csv": ".csv", "application/x-ndjson": ".ndjson"}
"""Endings of examples that are text; those of other media types are `.txt`."""
_PAGE = re.compile(r"Page_(\w+)_")


def add_answer_examples(document: dict[str, Any]) -> None:
    """Adds an example to each successful response with a body that is text."""
    for _, operation in list_operations(document):
        for status, response in operation["responses"].items():
            if status >= "300":
                continue
            for media_type, media in response.get("content", {}).items():
                example = _find_example(operation["operationId"], media_type, media)
                if example is not None:
                    media["example"] = example


def _find_example(operation_id: str, media_type: str, media: dict[str, Any]) -> Any:
    if media_type.startswith("text/") or media_type in _SUFFIXES:
        file = FOLDER / f"{operation_id}{_SUFFIXES.get(media_type, '.txt')}"
        return file.read_text(encoding="utf-8") if file.exists() else None
    schema = get_reference(media.get("schema", {}))
    names = (operation_id,) if schema is None else (operation_id, schema)
    return next((found for name in names if (found := _load(name)) is not None), None)


def _load(name: str) -> Any:
    page = _PAGE.fullmatch(name)
    if page is not None:
        return {"items": [_load(page[1])], "next_cursor": None}
    file = FOLDER / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
