"""The request bodies of `openapi/examples/`, which the OpenAPI document contains."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "openapi" / "examples"


def load_examples(part: str) -> dict[str, Any]:
    """Returns the `openapi_extra` of an operation: one example for each file that has this part.

    Args:
        part: `graph` or `job`.
    """
    examples = {
        path.stem: {"summary": path.stem.replace("_", " "), "value": body[part]}
        for path in sorted(FOLDER.glob("*.json"))
        if part in (body := json.loads(path.read_text(encoding="utf-8")))
    }
    return {"requestBody": {"content": {"application/json": {"examples": examples}}}}
