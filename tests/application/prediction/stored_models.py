"""A model in a database and a store, without a job."""

from pathlib import Path, PurePosixPath

import numpy as np
from safetensors.numpy import save

from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.model import ModelFile
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.files.store import ArtifactStore
from models_store.ids import new_id
from models_store.records import models
from tests.support.queued_jobs import DEFINITION, SUMMARY
from tests.support.stores import publish, store_of

KERNEL = np.array([[0.5], [-1.0], [2.0], [0.25]], np.float32)
BIAS = np.array([3.0], np.float32)


class StoredModels:
    """A database and a store, and models of one Dense layer of one unit."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'graphfit.sqlite'}")
        migrate(self.database)
        self.store: ArtifactStore = store_of(folder, {})

    def add(self, owner: str = "local") -> str:
        """Stores a model with known weights, and returns its id."""
        content = save({"y/kernel": KERNEL, "y/bias": BIAS})
        folder = PurePosixPath("jobs") / new_id("job") / "1"
        sha256 = publish(self.store, str(folder / models.WEIGHTS), content)
        file = ModelFile(name=models.WEIGHTS, bytes=len(content), sha256=sha256, media_type="x/y")
        made = models.NewModel(
            owner=owner,
            job_id=folder.parts[1],
            name=None,
            graph_id=None,
            folder=folder,
            blueprint=Blueprint.model_validate({"definition": DEFINITION}),
            summary=Summary.model_validate(SUMMARY),
        )
        with self.database.write() as connection:
            return models.insert(connection, made, None, {}, [file], [])

    def delete(self, model_id: str, owner: str = "local") -> None:
        """Deletes the rows of a model."""
        with self.database.write() as connection:
            models.delete(connection, owner, model_id)
