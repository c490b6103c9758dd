"""The members of Keras's modules that no request may use, and what would be right."""

from collections.abc import Mapping

_ABSTRACT = "It is abstract; one of your own would run code of the client's, which is never done."
_PYTHON = "It takes a function of Python, which no request can send."
OPTIMIZERS: Mapping[str, str] = {
    "Optimizer": _ABSTRACT,
    "MultiOptimizer": "It takes a function, or regular expressions over the paths of variables.",
    "OptimizerMap": "It belongs to MultiOptimizer, which is not offered.",
}
SCHEDULES: Mapping[str, str] = {
    "LearningRateSchedule": _ABSTRACT,
}
LOSSES: Mapping[str, str] = {
    "Loss": _ABSTRACT,
}
METRICS: Mapping[str, str] = {
    "Metric": _ABSTRACT,
    "Mean": "It takes values alone, without targets; take MeanAbsoluteError or another metric.",
    "Sum": "It takes values alone, without targets.",
    "MeanMetricWrapper": f"{_PYTHON} Give the name of the function as the metric.",
}
CALLBACKS: Mapping[str, str] = {
    "BackupAndRestore": "The service itself writes checkpoints and resumes from them.",
    "Callback": _ABSTRACT,
    "CallbackList": "The list of callbacks is `fit.callbacks`.",
    "CSVLogger": "It writes a file on the server; `GET /v1/jobs/{id}/history` has the metrics.",
    "History": "It is always there: `GET /v1/jobs/{id}/history`.",
    "LambdaCallback": _PYTHON,
    "LearningRateScheduler": f"{_PYTHON} Give the rates of epochs to LearningRateSchedule, or the "
    "optimizer a schedule as its `learning_rate`.",
    "OrbaxCheckpoint": "It writes files on the server, which no request can name.",
    "ProgbarLogger": "It prints; `GET /v1/jobs/{id}/events` streams the progress.",
    "RemoteMonitor": "It opens a connection; `GET /v1/jobs/{id}/events` streams the metrics.",
    "TensorBoard": "It writes files on the server; `GET /v1/jobs/{id}/history` has the metrics.",
}
