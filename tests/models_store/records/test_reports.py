"""Reports in the database."""

from domain.job.outcome import ModelMade
from domain.model import ModelFile
from domain.report.report import OutputLeftOut, Report
from models_store.database.engine import Database
from models_store.jobs import attempts, jobs
from models_store.records import reports
from tests.support.queued_jobs import claimed
from worker.supervisor.progress import Estimate

REPORT = Report(
    rows=3, outputs={}, outputs_left_out=[OutputLeftOut(name="y", reason="It has no target.")]
)


def finish(database: Database, report: Report | None) -> str:
    """Ends a job with a report; returns its id."""
    claim = claimed(database)
    file = ModelFile(name="model.safetensors", bytes=1, sha256="0", media_type="x/y")
    made = ModelMade((file,), (), {}, report=report)
    with database.write() as connection:
        attempts.succeed(connection, claim, Estimate(0, float).finish(0), made)
    return claim.job_id


def test_a_report_is_stored_with_its_job_and_deleted_with_it(database: Database) -> None:
    job_id = finish(database, REPORT)
    with database.read() as connection:
        stored = reports.find(connection, "local", job_id)
        assert reports.find(connection, "ada", job_id) is None
    assert stored is not None
    assert Report.model_validate(stored.document) == REPORT
    with database.write() as connection:
        jobs.delete(connection, "local", job_id)
        assert reports.find(connection, "local", job_id) is None


def test_equal_reports_have_equal_hashes(database: Database) -> None:
    ids = [finish(database, report) for report in (REPORT, REPORT, Report(rows=3, outputs={}))]
    with database.read() as connection:
        found = [reports.find(connection, "local", job_id) for job_id in ids]
    first, second, third = [one.sha256 for one in found if one is not None]
    assert first == second != third


def test_a_job_without_a_report(database: Database) -> None:
    job_id = finish(database, None)
    with database.read() as connection:
        assert reports.find(connection, "local", job_id) is None
