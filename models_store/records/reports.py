"""The reports of jobs. A report is deleted with its job."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from domain.report.report import Report
from models_store.database.tables import reports


@dataclass(frozen=True)
class StoredReport:
    """A report as it is stored."""

    document: dict[str, Any]
    """The JSON of the report; its numbers may be NaN or infinite."""
    sha256: str
    """Hash of the document, which is equal for equal reports."""


def add(connection: Connection, owner: str, job_id: str, report: Report) -> None:
    """Inserts the report of a job that has none."""
    document = report.model_dump()
    text = json.dumps(document, sort_keys=True)
    values = {
        "job_id": job_id,
        "owner": owner,
        "document": document,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    connection.execute(insert(reports).values(values))


def find(connection: Connection, owner: str, job_id: str) -> StoredReport | None:
    """Gets the report of a job; None if it has none."""
    query = select(reports).where(reports.c.owner == owner, reports.c.job_id == job_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else StoredReport(row.document, row.sha256)
