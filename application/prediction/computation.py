"""Computes the outputs of a model for rows, within limits; the same code runs in every process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from application.prediction.arrays import Arrays, Rows, check_indices
from application.prediction.signature import Shapes, Signature, get_shapes
from application.settings import Settings
from domain.errors import Fault, Invalid
from domain.json.pointer import pointer

_UNCOMPUTABLE = "The model cannot be computed for these values."


class NotComputable(Exception):
    """The engine cannot compute the model for these rows."""


class Uncomputable(Invalid):
    """The rows of a request are such that its model cannot be computed for them."""

    def __init__(self, faults: Iterable[Fault], shapes: Shapes) -> None:
        """Takes the faults.

        Args:
            faults: The place of the rows, without a reason.
            shapes: The shapes of the inputs.
        """
        super().__init__(faults)
        self.shapes = shapes

    def explain(self, reason: str) -> Invalid:
        """Returns the error with a reason."""
        faults = [Fault(pointer=f.pointer, detail=f"{f.detail} {reason}") for f in self.faults]
        return Invalid(faults)


Run = Callable[[Arrays, int], Arrays]
"""Returns the outputs of input arrays, given the largest number of rows computed at once.

Raises:
    NotComputable: the engine cannot compute the model for these rows.
    MemoryError: the computation needs more memory than the process may take.
"""


@dataclass(frozen=True)
class Limits:
    """The limits of one prediction."""

    rows: int
    values: int
    """The largest number of numbers in the answer."""
    batch_bytes: int
    """The largest number of bytes of the tensors that are computed at once."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Returns the limits of the settings."""
        return cls(
            rows=settings.max_predict_rows,
            values=settings.max_predict_values,
            batch_bytes=settings.max_predict_bytes,
        )


@dataclass(frozen=True)
class Answer:
    """The answer to a request, made in a prediction process."""

    body: bytes
    rows: int
    shapes: Shapes
    seconds: float
    """The processor time of the computation in its own thread.

    Unlike the time that passes, it does not depend on what else the machine does. Only models of
    onnxruntime count as quick, and it computes in that thread.
    """


def compute(signature: Signature, rows: Rows, limits: Limits, run: Run) -> Arrays:
    """Returns arrays by output name, each of shape (rows, ...), in the order of the outputs.

    Raises:
        Uncomputable: the engine cannot compute the model for these rows.
        Invalid: the answer is too large.
    """
    for name, size in signature.embedding_sizes.items():
        check_indices(rows.arrays[name], size, name, rows.locate)
    check_answer_size(rows, rows.count * signature.count_row_values(), limits)
    batch = max(1, limits.batch_bytes // signature.count_row_bytes(rows.arrays))
    try:
        outputs = run(rows.arrays, batch)
    except NotComputable as error:
        fault = Fault(pointer=pointer(*rows.place), detail=_UNCOMPUTABLE)
        raise Uncomputable([fault], get_shapes(rows.arrays)) from error
    check_answer_size(rows, sum(array.size for array in outputs.values()), limits)
    return {tensor.name: outputs[tensor.name] for tensor in signature.outputs}


def check_answer_size(rows: Rows, values: int, limits: Limits) -> None:
    """Rejects a large answer before it is computed or serialized.

    Raises:
        Invalid: the answer has more numbers than the limit.
    """
    if values > limits.values:
        detail = f"The answer would contain {values:,} numbers; at most {limits.values:,} are "
        detail += "allowed (MAX_PREDICT_VALUES). Send fewer rows."
        raise Invalid([Fault(pointer=pointer(*rows.place), detail=detail)])
