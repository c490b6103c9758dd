"""A graph as a request brings it, in either form, until it has been checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from application.children.pool import Checker
from application.settings import Settings
from application.submission.check import checked
from application.submission.expand import drawn
from domain.errors import Fault, Invalid
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.origins import translate
from domain.graph.summary import Summary
from domain.pointer import clipped


def placed(pointer: str, detail: str, body: Any) -> Fault:
    """A fault at its place in a body; one inside JSON that was sent as text is told in words."""
    shown = clipped(pointer, body)
    is_text = isinstance(body, dict) and isinstance(body.get("keras_json"), str)
    if is_text and pointer.startswith(f"{shown}/"):
        detail = f"At {pointer.removeprefix(shown)}: {detail}"
    return Fault(pointer=shown, detail=detail)


@dataclass(frozen=True)
class Draft:
    """A definition, wherever in the body it came from."""

    definition: GraphDefinition
    body: Any
    renamed: dict[str, str] = field(default_factory=dict)
    """Names in Keras's JSON that a graph cannot have, to what they became."""
    places: Mapping[str, str] = field(default_factory=lambda: {"": "/definition"})
    """Pointers into the definition, to those into the body."""

    def told(self, faults: list[Fault]) -> Invalid:
        """Faults of the definition, at their places in the body as sent."""
        return Invalid(
            placed(translate(fault.pointer, self.places), fault.detail, self.body)
            for fault in faults
        )

    def blueprint(self, connection: Connection, owner: str, settings: Settings) -> Blueprint:
        """With every stored graph written out.

        Raises:
            Invalid: its structure is at fault.
        """
        found = drawn(connection, owner, settings, self.definition, ())
        if found.faults:
            raise self.told(found.faults)
        return found.blueprint

    def summary(self, blueprint: Blueprint, checker: Checker, settings: Settings) -> Summary:
        """What Keras makes of it.

        Raises:
            Invalid: configs, calls or shapes that Keras refuses.
            Busy: too many graphs are being checked.
        """
        result = checked(checker, settings, blueprint)
        if result.summary is None:
            raise self.told(result.faults)
        return result.summary
