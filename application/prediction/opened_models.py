"""The models that a prediction process has opened; the least recently used one is closed first."""

import importlib
import logging
from collections import OrderedDict
from functools import partial
from pathlib import Path

from application.prediction.arrays import Arrays
from application.prediction.computation import NotComputable, Run
from application.prediction.model_file import ModelFile
from application.prediction.onnx_session import open_session, run_session
from domain.entrypoints import Entrypoint

log = logging.getLogger(__name__)
MOST_OPEN = 4


class OpenedModels:
    """Opens models, and keeps the last `MOST_OPEN` of them."""

    def __init__(self) -> None:
        self._opened: OrderedDict[str, Run] = OrderedDict()

    def open_model(self, file: ModelFile) -> Run:
        """Returns the function that computes a model's outputs."""
        run = self._opened.pop(file.model_id, None) or _open(file)
        self._opened[file.model_id] = run
        while len(self._opened) > MOST_OPEN:
            self._opened.popitem(last=False)
        return run


def _open(file: ModelFile) -> Run:
    if file.engine == "onnxruntime":
        return partial(run_session, open_session(Path(file.path)))
    module, _, name = Entrypoint.OPEN_MODEL.rpartition(".")
    return partial(
        _run_keras, getattr(importlib.import_module(module), name)(file.blueprint_json, file.path)
    )


def _run_keras(run: Run, inputs: Arrays, batch: int) -> Arrays:
    try:
        return run(inputs, batch)
    except MemoryError:
        raise
    except Exception as error:  # an error of TensorFlow, whose types this module does not import
        if type(error).__name__ == "ResourceExhaustedError":
            raise MemoryError from error
        log.info("Keras cannot compute a prediction", exc_info=True)
        raise NotComputable(type(error).__name__) from error


OPENED = OpenedModels()
"""The models of this process."""
