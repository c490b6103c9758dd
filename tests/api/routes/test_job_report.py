"""`GET /v1/jobs/{id}/report`."""

from typing import Any

import numpy as np

from domain.report.report import Report
from models_store.records import reports
from tests.api.requests import faults
from tests.support.api_server import Server
from tests.support.queued_jobs import queue
from tests.worker.training.reports.feeding import make_report
from worker.training.reports.output import OutputSpec


def queued(server: Server, **fields: Any) -> str:
    with server.parts.database.write() as connection:
        return queue(connection, **fields)


def reported(server: Server, report: Report) -> str:
    job_id = queued(server)
    with server.parts.database.write() as connection:
        reports.add(connection, "local", job_id, report)
    return f"/v1/jobs/{job_id}/report"


def test_a_report(server: Server) -> None:
    scores = np.linspace(0, 1, 30, dtype=np.float32)
    report = make_report(OutputSpec("binary"), scores > 0.4, scores)
    address = reported(server, report)
    plain = {"Accept-Encoding": "identity"}  # compression makes an ETag weak
    answer = server.client.get(address, headers=plain)
    assert answer.status_code == 200
    assert Report.model_validate(answer.json()) == report
    assert answer.json()["outputs"]["y"]["roc"]["thresholds"][0] is None
    etag = answer.headers["etag"]
    assert etag.startswith('"')
    unchanged = server.client.get(address, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert server.client.get(address, headers={"If-Match": '"other"'}).status_code == 412
    head = server.client.head(address, headers=plain)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", etag)


def test_numbers_that_are_not_finite_are_named(server: Server) -> None:
    huge = np.array([1e300, -1e300])
    address = reported(server, make_report(OutputSpec("numbers", scores="raw"), huge, -huge))
    body = server.client.get(address).json()
    assert body["outputs"]["y"]["rmse"] is None
    assert body["non_finite"]["/outputs/y/rmse"] == "Infinity"


def test_a_job_without_a_report_says_why(server: Server) -> None:
    train: dict[str, Any] = {"kind": "train", "dataset": f"dataset_{'0' * 26}"}
    reasons = {
        queued(server): "A `build` job has no report.",
        queued(server, **train): "`fit.validation_split`",
        queued(server, **train, fit={"validation_split": 0.5}): "The job is queued",
    }
    for job_id, words in reasons.items():
        answer = server.client.get(f"/v1/jobs/{job_id}/report")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert words in answer.json()["detail"]
    faults(server.client.get(f"/v1/jobs/job_{'0' * 26}/report"), 404)
