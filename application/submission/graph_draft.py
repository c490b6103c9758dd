"""A graph definition of a request before it is checked, from either input format."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from application.children.pool import Checker
from application.settings import Settings
from application.submission.check import check_graph
from application.submission.expand import expand_graph
from domain.errors import Fault, Invalid
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.summary import Summary
from domain.json.source_map import SourceMap


@dataclass(frozen=True)
class GraphDraft:
    """An unchecked definition and its place in the request body."""

    definition: GraphDefinition
    source: SourceMap
    """Maps faults of the definition to the body as sent."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Names in Keras's JSON that a graph cannot use, mapped to their replacements."""

    def expand(self, connection: Connection, owner: str, settings: Settings) -> Blueprint:
        """Returns the blueprint, which contains every stored graph and model.

        Raises:
            Invalid: the structure of the graph is wrong.
        """
        expanded = expand_graph(connection, owner, settings, self.definition, ())
        if expanded.faults:
            raise self._make_error(expanded.faults)
        return expanded.blueprint

    def check(self, blueprint: Blueprint, checker: Checker, settings: Settings) -> Summary:
        """Returns the summary that Keras computes of the expanded graph.

        Raises:
            Invalid: Keras rejects a config, a call or a shape.
            Busy: too many graphs are being checked.
        """
        result = check_graph(checker, settings, blueprint)
        if result.summary is None:
            raise self._make_error(result.faults)
        return result.summary

    def _make_error(self, faults: list[Fault]) -> Invalid:
        """Returns the error with every fault at its place in the body as sent."""
        return Invalid(self.source.locate_all(faults))
