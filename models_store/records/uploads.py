"""Rows of uploads and of their parts; the artifact store holds the parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, exists, or_, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from domain.errors import Conflict, NotFound
from domain.upload import Upload
from models_store.database.lookup import get_row, lock_row
from models_store.database.paging import Page, PageRequest, fetch_page
from models_store.database.tables import job_uses, jobs, upload_parts, uploads
from models_store.records.uses import TERMINAL, refuse_if_used


@dataclass(frozen=True)
class Part:
    """A stored part of an upload."""

    start: int
    """Place of its first byte in the file, from 0."""
    bytes: int
    sha256: str
    artifact: str
    """Its key in the artifact store."""

    @property
    def end(self) -> int:
        """Place after its last byte."""
        return self.start + self.bytes


class StoredUpload(NamedTuple):
    """An upload with its parts in their order."""

    upload: Upload
    parts: Sequence[Part]


def folder_of(upload_id: str) -> str:
    """Returns the prefix of the keys of an upload's parts."""
    return f"uploads/{upload_id}"


def insert(connection: Connection, owner: str, upload: Upload) -> None:
    """Inserts an upload without parts."""
    values = upload.model_dump(exclude={"offset"})
    connection.execute(sql_insert(uploads).values(**values, owner=owner, received=upload.offset))


def get(connection: Connection, owner: str, upload_id: str) -> Upload:
    """Gets an upload.

    Raises:
        NotFound: The owner has no upload with this id, or it has expired.
    """
    row = get_row(connection, uploads, owner, upload_id)
    if row.expires_at <= datetime.now(UTC) and not _is_used(connection, upload_id):
        raise NotFound("upload", upload_id)
    return convert_row(row)


def get_page(connection: Connection, owner: str, request: PageRequest) -> Page:
    """Gets a page of rows for `convert_row`, newest first; see `fetch_page`."""
    query = select(uploads).where(
        uploads.c.owner == owner, uploads.c.expires_at > datetime.now(UTC)
    )
    return fetch_page(connection, query, uploads, request)


def convert_row(row: Row[Any]) -> Upload:
    """Converts a row to an upload."""
    return Upload(
        id=row.id,
        offset=row.received,
        length=row.length,
        metadata=row.metadata,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def list_parts(connection: Connection, upload_id: str) -> list[Part]:
    """Lists the parts of an upload in their order."""
    query = select(upload_parts).where(upload_parts.c.upload_id == upload_id)
    rows = connection.execute(query.order_by(upload_parts.c.start))
    return [Part(row.start, row.bytes, row.sha256, row.artifact) for row in rows]


def get_stored(connection: Connection, upload_id: str) -> StoredUpload:
    """Gets an upload that a job uses, with its parts.

    Raises:
        NotFound: There is no upload with this id.
    """
    row = connection.execute(select(uploads).where(uploads.c.id == upload_id)).one_or_none()
    if row is None:
        raise NotFound("upload", upload_id)
    return StoredUpload(convert_row(row), list_parts(connection, upload_id))


def add_fetched(
    connection: Connection,
    owner: str,
    upload_id: str,
    part: Part,
    length: int | None,
    metadata: dict[str, str],
) -> None:
    """Adds a part that a job has fetched; does nothing if it is stored already.

    Args:
        length: Number of bytes of the whole file; None if it is not known.
        metadata: What the server of the file says about it.

    Raises:
        Conflict: The upload continues at another place.
    """
    if part in list_parts(connection, upload_id):
        return
    row = get_row(connection, uploads, owner, upload_id)
    values = {"length": length, "metadata": {**row.metadata, **metadata}}
    connection.execute(update(uploads).where(*_matches(owner, upload_id)).values(**values))
    add_parts(connection, owner, upload_id, [part], row.expires_at)


def drop_parts(connection: Connection, owner: str, upload_id: str) -> None:
    """Deletes the rows of all parts of an upload; the next sweep deletes the files."""
    connection.execute(sql_delete(upload_parts).where(upload_parts.c.upload_id == upload_id))
    values = {"received": 0, "length": None}
    connection.execute(update(uploads).where(*_matches(owner, upload_id)).values(**values))


def add_parts(
    connection: Connection,
    owner: str,
    upload_id: str,
    parts: Sequence[Part],
    expires_at: datetime,
) -> None:
    """Adds parts, of which the first begins where the last stored part ends.

    The comparison and the change of the offset are one statement. Of two requests that send the
    same part at the same time, one therefore stores it.

    Raises:
        NotFound: The owner has no upload with this id.
        Conflict: The upload continues at another place, or ends before the parts do.
    """
    statement = (
        update(uploads)
        .where(
            *_matches(owner, upload_id),
            uploads.c.received == parts[0].start,
            or_(uploads.c.length.is_(None), uploads.c.length >= parts[-1].end),
        )
        .values(received=parts[-1].end, expires_at=expires_at)
    )
    if connection.execute(statement).rowcount == 0:
        row = get_row(connection, uploads, owner, upload_id)
        if row.received == parts[0].start:  # another request has stated the length meanwhile
            raise Conflict(f"The upload has {row.length} bytes; this part ends after that.")
        raise make_conflict(row.received, parts[0].start)
    rows = [{**vars(part), "upload_id": upload_id, "owner": owner} for part in parts]
    connection.execute(sql_insert(upload_parts), rows)


def make_conflict(offset: int, given: int) -> Conflict:
    """Returns the error of a part that does not begin where the stored ones end."""
    return Conflict(
        f"The upload has {offset} bytes, so its next part begins at offset {offset}, "
        f"not at {given}."
    )


def set_length(connection: Connection, owner: str, upload_id: str, length: int) -> None:
    """Sets the length of an upload that has none yet.

    Raises:
        Conflict: The upload has another length, or more bytes than that.
    """
    statement = (
        update(uploads)
        .where(
            *_matches(owner, upload_id),
            or_(uploads.c.length.is_(None), uploads.c.length == length),
            uploads.c.received <= length,
        )
        .values(length=length)
    )
    if connection.execute(statement).rowcount == 0:
        row = get_row(connection, uploads, owner, upload_id)
        known = f"the length {row.length}" if row.length is not None else f"{row.received} bytes"
        raise Conflict(f"The upload has {known} already; its length cannot become {length}.")


def keep(connection: Connection, owner: str, upload_id: str, expires_at: datetime) -> bool:
    """Delays the end of an upload. Returns whether there is such an upload."""
    statement = update(uploads).where(*_matches(owner, upload_id)).values(expires_at=expires_at)
    return connection.execute(statement).rowcount == 1


def delete(connection: Connection, owner: str, upload_id: str) -> None:
    """Deletes an upload; the caller or the next sweep deletes its parts.

    Raises:
        NotFound: The owner has no upload with this id.
        Conflict: A job that has not ended uses it.
    """
    lock_row(connection, uploads, owner, upload_id)
    refuse_if_used(connection, owner, upload_id)
    connection.execute(sql_delete(uploads).where(*_matches(owner, upload_id)))


def drop(connection: Connection, owner: str, upload_id: str) -> None:
    """Deletes an upload of the job that ends in this transaction; the sweep deletes its parts."""
    connection.execute(sql_delete(uploads).where(*_matches(owner, upload_id)))


def delete_expired(connection: Connection, most: int) -> list[tuple[str, bool]]:
    """Deletes expired uploads that no unfinished job uses, at most `most`.

    Returns:
        The id of each, and whether it has parts.
    """
    used = exists().where(
        job_uses.c.resource_id == uploads.c.id,
        jobs.c.id == job_uses.c.job_id,
        jobs.c.state.not_in(TERMINAL),
    )
    some = (
        select(uploads.c.id)
        .where(uploads.c.expires_at <= datetime.now(UTC), ~used)
        .order_by(uploads.c.expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    statement = (
        sql_delete(uploads)
        .where(uploads.c.id.in_(some))
        .returning(uploads.c.id, uploads.c.received)
    )
    return [(row.id, row.received > 0) for row in connection.execute(statement)]


def _matches(owner: str, upload_id: str) -> tuple[ColumnElement[bool], ...]:
    return uploads.c.owner == owner, uploads.c.id == upload_id


def _is_used(connection: Connection, upload_id: str) -> bool:
    """Whether a job that has not ended uses the upload."""
    query = (
        select(jobs.c.id)
        .join(job_uses, job_uses.c.job_id == jobs.c.id)
        .where(job_uses.c.resource_id == upload_id, jobs.c.state.not_in(TERMINAL))
        .limit(1)
    )
    return connection.execute(query).first() is not None
