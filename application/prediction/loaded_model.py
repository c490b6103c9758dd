"""A model that predictions use: its signature, its file, and a session for small requests."""

import importlib
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from application.prediction.arrays import Arrays
from application.prediction.model_file import EngineName, ModelFile
from application.prediction.signature import Shapes, Signature

FileContext = Callable[[], AbstractContextManager[Path]]
"""Opens a context that gives the path of a local file; the file exists until the context ends."""
QUICK_SECONDS = 0.0003
"""A prediction that takes less time may run on the event loop: a thread switch takes as long."""
QUICK_WEIGHT_BYTES = 16 * 2**20
"""The largest weights of a model that the API process loads for small requests."""
MOST_SHAPES = 128
"""The largest number of quick shapes of one model that are remembered."""


class QuickShapes:
    """The shapes of requests that were computed in less than `QUICK_SECONDS`.

    The time of one shape says nothing of another: a row of many steps takes longer than a short
    one. The measurement comes from a prediction process, so no first request delays others.
    """

    def __init__(self) -> None:
        self._shapes: OrderedDict[Shapes, None] = OrderedDict()

    def note(self, shapes: Shapes, seconds: float) -> bool:
        """Remembers shapes if they were quick; returns whether they were."""
        self.forget(shapes)
        if seconds >= QUICK_SECONDS:
            return False
        self._shapes[shapes] = None
        while len(self._shapes) > MOST_SHAPES:
            self._shapes.popitem(last=False)
        return True

    def forget(self, shapes: Shapes) -> None:
        """Forgets shapes, so that a prediction process measures them again."""
        self._shapes.pop(shapes, None)

    def __contains__(self, shapes: Shapes) -> bool:
        return shapes in self._shapes


@dataclass
class LoadedModel:
    """A model that exists in the database, ready for predictions."""

    owner: str
    model_id: str
    checked_at: float
    """Monotonic time at which the database last confirmed that the model exists, in seconds."""
    signature: Signature
    engine: EngineName
    open_file: FileContext
    """Opens the ONNX file, or the weights for Keras."""
    blueprint_json: str
    """The model's `Blueprint`."""
    weight_bytes: int
    is_being_renewed: bool = False
    """Whether a thread is about to confirm that the model exists."""
    quick: QuickShapes = field(default_factory=QuickShapes)
    session: Any = None
    """The onnxruntime session of this process; None until a request was quick."""

    def describe_file(self, path: Path) -> ModelFile:
        """Returns the message that tells a prediction process which file to open."""
        blueprint_json = self.blueprint_json if self.engine == "keras" else ""
        return ModelFile(self.model_id, self.engine, str(path), blueprint_json)

    def note(self, shapes: Shapes, seconds: float, path: Path) -> None:
        """Remembers the time of a prediction; opens a session if equal requests are quick.

        Args:
            shapes: The shapes of the inputs.
            seconds: The time of the computation in a prediction process.
            path: The file that `open_file` gave.
        """
        if self.engine != "onnxruntime" or self.weight_bytes > QUICK_WEIGHT_BYTES:
            return
        if self.quick.note(shapes, seconds) and self.session is None:
            self.session = import_onnx_session().open_session(path)

    def is_quick(self, shapes: Shapes) -> bool:
        """Whether a request of these shapes may run on the event loop."""
        return self.session is not None and shapes in self.quick

    def run_here(self, inputs: Arrays, batch: int) -> Arrays:
        """Returns the outputs, computed in this thread; see `computation.Run`."""
        outputs: Arrays = import_onnx_session().run_session(self.session, inputs, batch)
        return outputs


def import_onnx_session() -> Any:
    """Imports the module of onnxruntime sessions.

    The import starts a thread, and `graphfit serve` must have no thread when it forks. Therefore no
    module imports onnxruntime at the top.
    """
    return importlib.import_module("application.prediction.onnx_session")
