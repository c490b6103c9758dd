"""New models are exported in the background: once, at the lowest priority, and never halfway."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from application.children.pool import Checker
from application.prediction import preparation as module
from application.prediction.onnx_session import open_session, run_session
from application.prediction.pool import PredictionPool
from application.prediction.predictor import Predictor
from application.prediction.preparation import Preparation
from application.settings import Settings
from models_store.files.cache import Cache
from tests.application.prediction.stored_models import BIAS, KERNEL, StoredModels
from tests.support.service import until

SETTINGS = Settings(predict_processes=1)


class Prepared:
    """A store of models, and what prepares them for predictions."""

    def __init__(self, folder: Path) -> None:
        self.models = StoredModels(folder)
        self.exports: list[str] = []
        """The outcomes of the exports that requests made."""
        self.folder = folder / "predict-cache"
        self.cache = Cache(self.folder, 10**9, "PREDICT_CACHE_BYTES")
        self.preparation = self.make()

    def make(self) -> Preparation:
        models, lock = self.models, self.folder.with_suffix(".lock")
        return Preparation(SETTINGS, models.database, models.store, self.cache, lock)

    @contextmanager
    def predictor(self) -> Iterator[Predictor]:
        """What answers requests; its own exports are counted."""

        def observe(function: str, outcome: str, seconds: float) -> None:
            self.exports.append(outcome)

        checker = Checker(1, 10, observe)
        pool = PredictionPool(SETTINGS, observe)
        database, store = self.models.database, self.models.store
        made = Predictor(SETTINGS, database, store, checker, self.cache, pool, self.preparation)
        yield made
        made.close()

    def find_file(self, model: str) -> Path | None:
        """The exported file, once it is there."""
        path = self.folder / f"{model}.onnx"
        return path if path.exists() else None

    def find_process(self) -> int | None:
        """The process that exports a model, while there is one."""
        process = self.preparation._process._process
        return None if process is None else process.pid

    def list_temporary_folders(self) -> list[Path]:
        return list(self.folder.parent.rglob("scratch/onnx-*"))


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[Prepared]:
    made = Prepared(tmp_path)
    yield made
    made.preparation.close()
    made.models.database.close()


@pytest.mark.slow
def test_a_new_model_is_exported_before_a_request_asks_for_it(prepared: Prepared) -> None:
    model = prepared.models.add("ada")
    prepared.preparation.start()
    path = until(lambda: prepared.find_file(model), "the export")
    rows = np.array([[1, 2, 3, 4], [0, -1, 0.5, 8]], np.float32)
    outputs = run_session(open_session(path), {"x": rows}, 2)
    assert np.allclose(outputs["y"], rows @ KERNEL + BIAS, atol=1e-6)
    with prepared.predictor() as predictor:
        assert predictor.load("ada", model).engine == "onnxruntime"
    assert prepared.exports == []


def test_the_export_has_the_lowest_priority(prepared: Prepared) -> None:
    prepared.models.add()
    prepared.preparation.start()

    def find_nice_process() -> bool | None:
        pid = prepared.find_process()
        return True if pid is not None and psutil.Process(pid).nice() == 19 else None

    until(find_nice_process, "a process of the lowest priority")


def test_a_killed_preparation_leaves_nothing_and_the_request_exports(prepared: Prepared) -> None:
    model = prepared.models.add()
    prepared.preparation.start()
    os.kill(until(prepared.find_process, "the process"), signal.SIGKILL)
    until(lambda: prepared.find_process() is None or None, "the end of the preparation")
    assert prepared.find_file(model) is None
    assert not prepared.list_temporary_folders()
    with prepared.predictor() as predictor:
        assert predictor.load("local", model).engine == "onnxruntime"
    assert prepared.exports == ["value"]


@pytest.mark.parametrize(("patience", "exports"), [(60, []), (0, ["value"])])
def test_a_request_waits_for_the_preparation_of_its_model_but_not_long(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, patience: float, exports: list[str]
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", patience)
    model = prepared.models.add()
    prepared.preparation.start()
    until(prepared.find_process, "the process")
    with prepared.predictor() as predictor:
        assert predictor.load("local", model).engine == "onnxruntime"
    assert prepared.exports == exports


@pytest.mark.slow
def test_a_model_that_is_deleted_meanwhile_leaves_no_file(prepared: Prepared) -> None:
    model = prepared.models.add()
    prepared.preparation.start()
    until(prepared.find_process, "the process")
    prepared.models.delete(model)
    other = prepared.models.add()
    until(lambda: prepared.find_file(other), "the next export")
    assert prepared.find_file(model) is None


@pytest.mark.slow
def test_one_of_several_processes_prepares(prepared: Prepared) -> None:
    prepared.preparation.start()
    second = prepared.make()
    first_model = prepared.models.add()
    until(lambda: prepared.find_file(first_model), "the export")
    second.start()
    until(lambda: prepared.find_process() is None or None, "the end of the preparation")
    assert not second._seen
    prepared.preparation.close()
    other = prepared.models.add()
    until(lambda: prepared.find_file(other), "the export of the second process")
    second.close()


def test_old_models_are_not_prepared(prepared: Prepared) -> None:
    settings = Settings(predict_prepare_seconds=1e-9)
    models = prepared.models
    idle = Preparation(
        settings, models.database, models.store, prepared.cache, prepared.folder.with_suffix(".l")
    )
    models.add()
    until(lambda: idle._find_next() is None or None, "a model that is too old")
    assert prepared.preparation._find_next() is not None


def test_a_setting_turns_the_preparation_off(prepared: Prepared) -> None:
    models = prepared.models
    off = Preparation(
        Settings(predict_prepare_seconds=0), models.database, models.store, prepared.cache,
        prepared.folder.with_suffix(".lock"),
    )  # fmt: skip
    off.start()
    assert off._thread is None
    off.close()
