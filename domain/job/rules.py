"""The rules of a job's request that need neither the graph nor the data."""

from collections.abc import Iterator, Mapping

from domain.contract import Contract
from domain.errors import Fault
from domain.job.fit.callbacks import find_callback_faults
from domain.job.fit.checkpoints import find_checkpoint_faults
from domain.job.fit.continuation import find_rule_faults
from domain.job.fit.rules import find_fit_faults
from domain.job.job import INFERENCE, JobRequest, Kind
from domain.job.preparation import DROP, STRATEGIES
from domain.job.resources import resource_faults
from domain.json.pointer import pointer

MONITORS = frozenset({"EarlyStopping", "ReduceLROnPlateau"})
TRAINING_FIELDS = ("dataset", "validation_dataset", "feed", "compile", "fit")
IMPORT_FIELDS = ("upload", "source", "format", "options")
MODEL_FIELDS = (
    "graph",
    "model",
    "optimizer_state",
    "initial_weights",
    "seed",
    "deterministic",
    "mixed_precision",
)
INFERENCE_FIELDS = ("batch_size", "keep")
_OF_SOME_KINDS = (*MODEL_FIELDS, *TRAINING_FIELDS, *IMPORT_FIELDS, *INFERENCE_FIELDS)
TAKEN: Mapping[Kind, frozenset[str]] = {
    "train": frozenset({*MODEL_FIELDS, *TRAINING_FIELDS}),
    "build": frozenset(MODEL_FIELDS),
    "import": frozenset(IMPORT_FIELDS),
    "evaluate": frozenset({"model", "dataset", "feed", "compile", "batch_size", "deterministic"}),
    "predict": frozenset({"model", "dataset", "feed", "keep", "batch_size", "deterministic"}),
}
"""The fields that some kinds of jobs take and others do not, by kind."""
NOT_TAKEN: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    "evaluate": {"feed": ("bucket",), "compile": ("optimizer", "jit_compile")},
    "predict": {"feed": ("targets", "sample_weights", "classes", "bucket")},
}
"""The fields inside the taken ones that a kind of job does not take."""
_ADVICE: Mapping[tuple[Kind, str], str] = {
    ("train", "batch_size"): " Its batches have `fit.batch_size` rows.",
    ("evaluate", "fit"): " It takes `batch_size` beside `model`.",
    ("evaluate", "validation_dataset"): " It evaluates its `dataset`.",
    ("predict", "fit"): " It takes `batch_size` beside `model`.",
    ("predict", "compile"): " An `evaluate` job compares predictions with targets.",
    ("predict", "targets"): " An `evaluate` job compares predictions with targets.",
}


def request_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield the faults of fields that a kind of job lacks or does not use."""
    if request.kind in ("train", *INFERENCE) and request.dataset is None:
        yield Fault(pointer="/dataset", detail=f"{_name(request)} needs a dataset.")
    if request.kind in INFERENCE and request.model is None:
        yield Fault(pointer="/model", detail=f"{_name(request)} needs a model.")
    yield from kind_faults(request)
    yield from callback_faults(request)
    if request.kind in ("train", "build"):
        yield from _weight_faults(request)
    if request.kind == "train":
        yield from find_fit_faults(request)
        yield from find_checkpoint_faults(request)
        yield from find_callback_faults(request)
    yield from resource_faults(request.resources)
    if request.kind in INFERENCE:
        yield from _inference_faults(request)


def _weight_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield the faults of where the weights and the optimizer come from."""
    yield from find_rule_faults(request)
    if request.initial_weights is not None and request.model is not None:
        detail = "A `model` brings all of its weights: give `model` or `initial_weights`, not both."
        yield Fault(pointer="/initial_weights", detail=detail)


def kind_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield a fault for each field that jobs of another kind have."""
    for name in _OF_SOME_KINDS:
        if name not in TAKEN[request.kind] and _is_given(request, name):
            trains = request.kind == "build" and name in TRAINING_FIELDS
            verb = "trains nothing and takes" if trains else "takes"
            advice = _ADVICE.get((request.kind, name), "")
            detail = f"{_name(request)} {verb} no `{name}`.{advice}"
            yield Fault(pointer=pointer(name), detail=detail)
    for part, names in NOT_TAKEN.get(request.kind, {}).items():
        for name in names:
            if _is_given(getattr(request, part), name):
                advice = _ADVICE.get((request.kind, name), "")
                detail = f"{_name(request)} takes no `{part}.{name}`.{advice}"
                yield Fault(pointer=pointer(part, name), detail=detail)


def _name(request: JobRequest) -> str:
    article = "An" if request.kind in ("import", "evaluate") else "A"
    return f"{article} `{request.kind}` job"


def _is_given(part: Contract, name: str) -> bool:
    return name in part.model_fields_set and getattr(part, name) is not None


def _inference_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield the faults of an `evaluate` or `predict` job that need neither model nor data."""
    if request.resources.gpus > 1:
        detail = f"{_name(request)} uses one GPU."
        yield Fault(pointer=pointer("resources", "gpus"), detail=detail)
    for name, entry in request.feed.missing.items():
        if entry in STRATEGIES and entry != DROP:
            detail = f"The {entry} is learned from the rows that train, and the model keeps it: "
            detail += f'leave it out, or give a value or "{DROP}".'
            yield Fault(pointer=pointer("feed", "missing", name), detail=detail)


def callback_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield a fault for each callback that monitors the validation of a job without one."""
    if request.validates:
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
