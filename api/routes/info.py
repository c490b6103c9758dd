"""`/v1/info`: versions, limits and environment of the service."""

import platform
from functools import cache
from importlib.metadata import version

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.dependencies.parameters import Parts, Services
from api.problems.openapi_responses import ALWAYS

router = APIRouter(prefix="/v1/info", tags=["service"])
PACKAGES = ("keras", "tensorflow", "numpy", "onnxruntime", "fastapi", "pydantic", "sqlalchemy")


class Info(BaseModel):
    """Versions, limits and environment."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    version: str
    """The version of Graphfit."""
    versions: dict[str, str]
    """The versions of its packages, by name."""
    limits: dict[str, int | float]
    """The values of the settings, by their names in lower case."""
    engines: dict[str, str]
    """The kinds of the database, the broker and the file store, and the engine of predictions."""
    auth: str
    environment: dict[str, str]
    """Python and the machine of the API process; each job records its own environment."""


@router.get("", summary="Versions, limits, environment", responses=ALWAYS)
def get_info(parts: Parts) -> Info:
    """Returns the versions, limits and environment of the service."""
    return Info(
        version=version("graphfit"),
        versions=_get_versions(),
        limits=_get_limits(parts),
        engines={
            "database": parts.database.engine.dialect.name,
            "broker": parts.celery.connection_for_write().transport.driver_type,
            "artifacts": parts.artifacts.kind,
            "predictions": "onnxruntime",
        },
        auth=parts.settings.auth,
        environment={
            "python": platform.python_version(),
            "system": platform.system(),
            "machine": platform.machine(),
        },
    )


@cache
def _get_versions() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES}


def _get_limits(parts: Services) -> dict[str, int | float]:
    values = parts.settings.model_dump(exclude={"auth"})
    values["max_job_seconds"] = parts.job_services.limits.seconds
    return {name: value for name, value in values.items() if isinstance(value, int | float)}
