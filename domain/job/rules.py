"""The rules of a job's request that need neither the graph nor the data."""

from collections.abc import Iterator

from domain.errors import Fault
from domain.job.job import JobRequest
from domain.job.resources import resource_faults
from domain.pointer import pointer

MONITORS = frozenset({"EarlyStopping", "ReduceLROnPlateau"})
TRAINING_FIELDS = ("dataset", "validation_dataset", "feed", "compile", "fit")


def request_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield the faults of fields that a `train` job lacks or a `build` job does not use."""
    if request.kind == "train" and request.dataset is None:
        yield Fault(pointer="/dataset", detail="A `train` job needs a dataset.")
    yield from callback_faults(request)
    yield from resource_faults(request.resources)
    if request.kind == "build":
        for name in TRAINING_FIELDS:
            if name in request.model_fields_set and getattr(request, name) is not None:
                detail = f"A `build` job trains nothing and takes no `{name}`."
                yield Fault(pointer=pointer(name), detail=detail)


def callback_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield a fault for each callback that monitors the validation of a job without one."""
    if request.validation_dataset is not None or request.fit.validation_split > 0:
        return
    for i, callback in enumerate(request.fit.callbacks):
        type_, config = (
            (callback, {}) if isinstance(callback, str) else (callback.type, callback.config)
        )
        monitor = config.get("monitor", "val_loss")
        if type_ in MONITORS and str(monitor).startswith("val_"):
            detail = f"{type_} monitors '{monitor}', but the job has no validation: set `monitor` "
            detail += "to a metric of the training, or give a `validation_split` or dataset."
            yield Fault(pointer=pointer("fit", "callbacks", i), detail=detail)
