"""A graph as a request brings it, in either form, until it has been checked."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from application.children.pool import Checker
from application.settings import Settings
from application.submission.check import checked
from application.submission.expand import drawn
from domain.errors import Fault, Invalid
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.summary import Summary
from domain.source_map import SourceMap


@dataclass(frozen=True)
class Draft:
    """A definition, wherever in the body it came from."""

    definition: GraphDefinition
    source: SourceMap
    """Maps faults of the definition to the body as sent."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Names in Keras's JSON that a graph cannot have, to what they became."""

    def told(self, faults: list[Fault]) -> Invalid:
        """Faults of the definition, at their places in the body as sent."""
        return Invalid(self.source.locate_all(faults))

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
