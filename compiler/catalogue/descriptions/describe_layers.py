"""The whole catalogue in plain JSON, for a process that knows nothing of Keras."""

import json
from typing import Any

from compiler.catalogue.descriptions.call_schema import call_arguments
from compiler.catalogue.descriptions.config_schema import config_schema, definitions
from compiler.catalogue.descriptions.docstrings import source_of, summary_of
from compiler.catalogue.layers import CATALOGUE, LEFT_OUT, Entry


def answer() -> str:
    """Every layer with a JSON Schema of its config, and what is left out and why.

    Returns:
        `{"items": [...], "left_out": [...], "$defs": {...}}`; the `$ref`s of the items'
        `config_schema` lead into `$defs`.
    """
    return json.dumps(
        {
            "items": [described(entry) for entry in CATALOGUE.values()],
            "left_out": [{"type": name, "reason": why} for name, why in sorted(LEFT_OUT.items())],
            "$defs": definitions(),
        }
    )


def described(entry: Entry) -> dict[str, Any]:
    """One layer."""
    return {
        "type": entry.type,
        "kind": entry.kind,
        "alias_of": entry.alias_of,
        "summary": summary_of(entry.cls),
        "url": source_of(entry.cls),
        "call": call_arguments(entry.cls),
        "config_schema": config_schema(entry.cls, entry.arguments),
    }
