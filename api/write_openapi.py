"""Writes the OpenAPI document: `python -m api.write_openapi`; `--check` compares it."""

import json
import sys
from pathlib import Path

from api.app import create_app

FILE = Path(__file__).parents[1] / "openapi" / "openapi.json"


def main(arguments: list[str]) -> int:
    """Writes the document, or compares it."""
    text = json.dumps(create_app().openapi(), indent=2, ensure_ascii=False) + "\n"
    if "--check" not in arguments:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
        sys.stderr.write("openapi/openapi.json is stale: run `make format`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
