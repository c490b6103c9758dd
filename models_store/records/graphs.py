"""Stored graphs."""

import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

import rfc8785
from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from domain.errors import Fault, Invalid
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.summary import Summary
from models_store.database.lookup import get_row
from models_store.database.paging import Page
from models_store.database.paging import page as page_of
from models_store.database.tables import graphs
from models_store.ids import new_id
from models_store.records.uses import refuse_if_used


class StoredGraph(NamedTuple):
    """A graph as it is kept: `definition` as sent, `blueprint` with every id expanded."""

    id: str
    name: str | None
    definition: GraphDefinition
    blueprint: Blueprint
    digest: str
    summary: Summary
    renamed: dict[str, str]
    """Names in Keras's JSON to those in the definition, where they differ."""
    created_at: datetime


def digest_of(definition: GraphDefinition) -> str:
    """The sha256 of the RFC 8785 JSON of an expanded definition.

    Raises:
        Invalid: a number in it has no canonical form.
    """
    try:
        canonical = rfc8785.dumps(definition.model_dump(mode="json", by_alias=True))
    except rfc8785.CanonicalizationError as error:
        detail = "Whole numbers in a graph lie between -(2^53 - 1) and 2^53 - 1."
        raise Invalid([Fault(pointer="/definition", detail=detail)]) from error
    return hashlib.sha256(canonical).hexdigest()


def insert(
    connection: Connection,
    owner: str,
    name: str | None,
    definition: GraphDefinition,
    blueprint: Blueprint,
    summary: Summary,
    renamed: dict[str, str],
) -> StoredGraph:
    """Keeps a checked graph."""
    graph = StoredGraph(
        id=new_id("graph"),
        name=name,
        definition=definition,
        blueprint=blueprint,
        digest=digest_of(blueprint.definition),
        summary=summary,
        renamed=renamed,
        created_at=datetime.now(UTC),
    )
    values = {
        **graph._asdict(),
        "owner": owner,
        "definition": definition.model_dump(mode="json", by_alias=True),
        "blueprint": blueprint.model_dump(mode="json", by_alias=True),
        "summary": summary.model_dump(mode="json"),
    }
    connection.execute(sql_insert(graphs).values(values))
    return graph


def get(connection: Connection, owner: str, graph_id: str) -> StoredGraph:
    """One graph.

    Raises:
        NotFound: the owner has none of this id.
    """
    return stored(get_row(connection, graphs, owner, graph_id))


def page(connection: Connection, owner: str, cursor: str | None, size: int) -> Page:
    """Rows for `stored`, newest first."""
    query = select(graphs).where(graphs.c.owner == owner)
    return page_of(connection, query, graphs, cursor, size)


def stored(row: Row[Any]) -> StoredGraph:
    """A row of the table as a value."""
    return StoredGraph(
        id=row.id,
        name=row.name,
        definition=GraphDefinition.model_validate(row.definition),
        blueprint=Blueprint.model_validate(row.blueprint),
        digest=row.digest,
        summary=Summary.model_validate(row.summary),
        renamed=row.renamed,
        created_at=row.created_at,
    )


def delete(connection: Connection, owner: str, graph_id: str) -> None:
    """Forgets a graph.

    Raises:
        NotFound: the owner has none of this id.
        Conflict: a job that is not terminal uses it.
    """
    get(connection, owner, graph_id)
    refuse_if_used(connection, owner, graph_id)
    connection.execute(sql_delete(graphs).where(graphs.c.owner == owner, graphs.c.id == graph_id))
