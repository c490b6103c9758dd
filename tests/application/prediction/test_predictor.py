"""A model that is used again and again is confirmed without a request that waits."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.children.pool import Checker
from application.prediction.pool import PredictionPool
from application.prediction.predictor import FRESH_SECONDS, Predictor
from application.settings import Settings
from domain.errors import NotFound
from models_store.files.cache import Cache
from tests.application.prediction.stored_models import StoredModels
from tests.support.service import until


def ignore(name: str, outcome: str, seconds: float) -> None:
    """Observes nothing."""


@pytest.fixture
def models(tmp_path: Path) -> Iterator[StoredModels]:
    made = StoredModels(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def model(models: StoredModels, tmp_path: Path) -> str:
    """A model whose predictions Keras computes, so that nothing is exported."""
    identifier = models.add()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"{identifier}.onnx").touch()
    return identifier


@pytest.fixture
def predictor(models: StoredModels, tmp_path: Path) -> Iterator[Predictor]:
    settings = Settings(predict_processes=1)
    pool = PredictionPool(settings, ignore)
    cache = Cache(tmp_path / "cache", 10**9)
    made = Predictor(settings, models.database, models.store, Checker(1, 1), cache, pool)
    yield made
    made.close()


def test_a_model_that_is_used_stays_fresh(predictor: Predictor, model: str) -> None:
    loaded = predictor.load("local", model)
    first = loaded.checked_at

    def is_confirmed_twice() -> bool | None:
        assert predictor.find_fresh("local", model) is loaded
        confirmed.add(loaded.checked_at)
        return len(confirmed) > 2 or None

    confirmed = {first}
    until(is_confirmed_twice, "two confirmations")


def test_a_model_that_is_not_used_is_not_fresh(predictor: Predictor, model: str) -> None:
    predictor.load("local", model)
    time.sleep(FRESH_SECONDS)
    assert predictor.find_fresh("local", model) is None


def test_a_model_that_another_process_deletes_is_soon_gone(
    predictor: Predictor, models: StoredModels, model: str
) -> None:
    predictor.load("local", model)
    models.delete(model)
    deleted_at = asked_at = time.monotonic()
    while predictor.find_fresh("local", model) is not None:
        assert asked_at - deleted_at < FRESH_SECONDS
        asked_at = time.monotonic()
    with pytest.raises(NotFound):
        predictor.load("local", model)
