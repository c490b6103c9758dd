"""What the checks of job requests need."""

from dataclasses import dataclass

from application.children.pool import Checker
from application.settings import Settings
from application.submission.import_jobs import ImportServices
from domain.job.limits import RequestLimits
from models_store.database.engine import Database
from models_store.files.store import ArtifactStore


@dataclass(frozen=True)
class JobServices:
    """The services that the check of a job's request needs."""

    settings: Settings
    database: Database
    checker: Checker
    limits: RequestLimits
    store: ArtifactStore
    imports: ImportServices
