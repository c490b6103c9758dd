"""Models in the database."""

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest

from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.model import ModelFile
from models_store.database.engine import Database
from models_store.ids import make_least_id, new_id
from models_store.records import models
from tests.support.queued_jobs import DEFINITION, SUMMARY


def insert(database: Database, owner: str) -> str:
    made = models.NewModel(
        owner=owner,
        job_id=new_id("job"),
        name=None,
        graph_id=None,
        folder=PurePosixPath("jobs/x/1"),
        blueprint=Blueprint.model_validate({"definition": DEFINITION}),
        summary=Summary.model_validate(SUMMARY),
    )
    file = ModelFile(name=models.WEIGHTS, bytes=1, sha256="0", media_type="x/y")
    with database.write() as connection:
        return models.insert(connection, made, None, {}, [file], [])


def test_new_models_of_all_owners_are_listed_newest_first(database: Database) -> None:
    before = datetime.now(UTC)
    ids = [insert(database, owner) for owner in ("ada", "bob", "ada")]
    listed = sorted(zip(ids, ("ada", "bob", "ada"), strict=True), reverse=True)
    with database.read() as connection:
        found = models.list_since(connection, before - timedelta(seconds=1))
        later = models.list_since(connection, datetime.now(UTC) + timedelta(seconds=1))
    assert found == [(owner, model) for model, owner in listed]
    assert later == []


def test_only_the_newest_of_many_models_are_listed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "MOST_LISTED", 2)
    ids = sorted(insert(database, "ada") for _ in range(4))
    with database.read() as connection:
        found = models.list_since(connection, datetime.now(UTC) - timedelta(minutes=1))
    assert [model for _, model in found] == [ids[3], ids[2]]


def test_the_least_id_of_a_time_sorts_by_time() -> None:
    now = datetime.now(UTC)
    model = new_id("model")
    assert make_least_id("model", now - timedelta(seconds=1)) < model
    assert model < make_least_id("model", now + timedelta(seconds=1))
    assert len(make_least_id("model", now)) == len(model)
