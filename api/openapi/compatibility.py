"""Finds the changes of an OpenAPI document that break clients of an earlier one.

What clients of the earlier document send must still be accepted; what the service answers now must
be what those clients understand. Both are the same question, with the sides exchanged.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

from api.openapi.acceptance import Acceptance
from api.openapi.schema_tree import Schema

Document: TypeAlias = dict[str, Any]
Operation: TypeAlias = dict[str, Any]


def find_breaking_changes(old: Document, new: Document) -> list[str]:
    """Returns one line for each change that breaks clients of the old document."""
    comparison = _Comparison(old["components"]["schemas"], new["components"]["schemas"])
    lines: list[str] = []
    for path, methods in old["paths"].items():
        for method, operation in methods.items():
            changed = new["paths"].get(path, {}).get(method)
            found = ["removed"] if changed is None else comparison.compare(operation, changed)
            lines += (f"{method.upper()} {path}: {line}" for line in found)
    return lines


class _Comparison:
    """Compares the operations of two documents."""

    def __init__(self, old: dict[str, Schema], new: dict[str, Schema]) -> None:
        self._requests = Acceptance(old, new)
        self._answers = Acceptance(new, old)
        self._reported: set[str] = set()

    def compare(self, old: Operation, new: Operation) -> Iterator[str]:
        """Yields the breaking changes of an operation."""
        if old.get("operationId") != new.get("operationId"):
            yield f"the operationId was {old['operationId']}"
        yield from self._compare_parameters(_map_parameters(old), _map_parameters(new))
        yield from self._compare_bodies(old.get("requestBody", {}), new.get("requestBody", {}))
        for status, response in old["responses"].items():
            if status >= "400":
                continue
            if status not in new["responses"]:
                yield f"the response {status} was removed"
            else:
                yield from self._compare_answers(status, response, new["responses"][status])

    def _compare_parameters(self, old: Operation, new: Operation) -> Iterator[str]:
        for name, parameter in new.items():
            if parameter.get("required") and not old.get(name, {}).get("required"):
                yield f"the {name} is required"
        for name, parameter in old.items():
            if name not in new:
                yield f"the {name} was removed"
            else:
                sent, taken = parameter["schema"], new[name]["schema"]
                yield from self._requests.find_reasons(sent, taken, f"the {name}")

    def _compare_bodies(self, old: Operation, new: Operation) -> Iterator[str]:
        if new.get("required") and not old.get("required"):
            yield "the request body is required"
        for media_type, sent, taken in _pair_contents(old, new):
            if taken is None:
                yield f"the request body {media_type} was removed"
            else:
                yield from self._report(self._requests.find_reasons(sent, taken, "the request"))

    def _compare_answers(self, status: str, old: Operation, new: Operation) -> Iterator[str]:
        for media_type, taken, sent in _pair_contents(old, new):
            if sent is None:
                yield f"the response {status} {media_type} was removed"
            else:
                yield from self._report(
                    self._answers.find_reasons(sent, taken, f"the response {status}")
                )
        for name in sorted(old.get("headers", {}).keys() - new.get("headers", {}).keys()):
            yield f"the header {name} of the response {status} was removed"

    def _report(self, reasons: list[str]) -> Iterator[str]:
        """Yields the reasons that no other operation has given: operations share components."""
        yield from (reason for reason in reasons if reason not in self._reported)
        self._reported.update(reasons)


def _map_parameters(operation: Operation) -> dict[str, Any]:
    parameters = operation.get("parameters", ())
    return {f"{item['in']} parameter {item['name']}": item for item in parameters}


def _pair_contents(old: Operation, new: Operation) -> Iterator[tuple[str, Schema, Schema | None]]:
    """Yields each media type of the old body with its old and its new schema."""
    contents = new.get("content", {})
    for media_type, media in old.get("content", {}).items():
        changed = contents.get(media_type)
        after = None if changed is None else changed.get("schema", {})
        yield media_type, media.get("schema", {}), after
