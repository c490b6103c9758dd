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
from models_store.database.lookup import get_row, keep_row, lock_row
from models_store.database.paging import Page, PageRequest, fetch_page
from models_store.database.tables import graphs
from models_store.ids import new_id
from models_store.records.uses import refuse_if_used


class StoredGraph(NamedTuple):
    """A stored graph: `definition` as sent, and `blueprint` with every id expanded."""

    id: str
    name: str | None
    definition: GraphDefinition
    blueprint: Blueprint
    digest: str
    summary: Summary
    renamed: dict[str, str]
    """Names in the definition by name in the uploaded Keras JSON, where they differ."""
    created_at: datetime


def hash_definition(definition: GraphDefinition) -> str:
    """Returns the sha256 of the RFC 8785 JSON of an expanded definition.

    Raises:
        Invalid: A number has no canonical form.
    """
    try:
        canonical = rfc8785.dumps(definition.model_dump(mode="json", by_alias=True))
    except rfc8785.CanonicalizationError as error:
        detail = "Integers in a graph lie between -(2^53 - 1) and 2^53 - 1."
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
    """Inserts a checked graph."""
    graph = StoredGraph(
        id=new_id("graph"),
        name=name,
        definition=definition,
        blueprint=blueprint,
        digest=hash_definition(blueprint.definition),
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
    """Gets a graph.

    Raises:
        NotFound: The owner has no graph with this id.
    """
    return convert_row(get_row(connection, graphs, owner, graph_id))


def get_page(connection: Connection, owner: str, request: PageRequest) -> Page:
    """Gets a page of rows for `convert_row`, newest first; see `fetch_page`."""
    query = select(graphs).where(graphs.c.owner == owner)
    return fetch_page(connection, query, graphs, request)


def convert_row(row: Row[Any]) -> StoredGraph:
    """Converts a row to a graph."""
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


def keep(connection: Connection, owner: str, graph_id: str) -> None:
    """Keeps a graph from being deleted until the transaction ends.

    Raises:
        NotFound: The owner has no graph with this id.
    """
    keep_row(connection, graphs, owner, graph_id)


def delete(connection: Connection, owner: str, graph_id: str) -> None:
    """Deletes a graph.

    Raises:
        NotFound: The owner has no graph with this id.
        Conflict: A job that has not ended uses it.
    """
    lock_row(connection, graphs, owner, graph_id)
    refuse_if_used(connection, owner, graph_id)
    connection.execute(sql_delete(graphs).where(graphs.c.owner == owner, graphs.c.id == graph_id))
