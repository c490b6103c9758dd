"""The machine of a worker: its devices, and the environment that decides a result's bits."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from domain.job.resources import Capacity

DECIDING = (
    *("device", "cpu_features", "onednn", "python", "keras", "tensorflow", "numpy"),
    *("compute_capability", "cuda", "cudnn"),  # of GPUs
)
"""The entries of an environment that decide a result's bits and belong to the machine."""

OF_EACH_JOB = (
    *("devices", "deterministic", "precision", "tf32"),
    *("intra_op_threads", "inter_op_threads"),
)
"""The entries that decide a result's bits and belong to each job."""

Environment = Mapping[str, str | int | bool | None]


@dataclass(frozen=True)
class Machine:
    """Devices and environment of one worker."""

    capacity: Capacity
    devices: tuple[str, ...]
    """The model name of each device."""
    environment: Environment


def list_differences(before: Environment, here: Environment) -> list[str]:
    """Returns, as text, the entries that may give two environments different bits."""
    return [
        f"{name} {before.get(name)} became {here.get(name)}"
        for name in (*DECIDING, "gpu", *OF_EACH_JOB)
        if before.get(name) != here.get(name)
    ]


def make_environment_warning(changes: list[str]) -> str:
    """Returns the warning of a job that resumed in another environment.

    Args:
        changes: The result of `list_differences`.
    """
    return (
        "The training resumed in an environment that differs from its first one, so its result "
        f"may differ in some bits from an uninterrupted run's: {'; '.join(changes)}."
    )


def compute_environment_key(environment: Environment, devices: tuple[str, ...]) -> str:
    """Returns a hash that is equal on machines where a job resumes with the same bits.

    Args:
        environment: The environment that a job records.
        devices: The model names; only those of GPUs count.
    """
    deciding = {name: environment.get(name) for name in DECIDING}
    gpus = sorted(set(devices)) if environment["device"] == "gpu" else []
    text = json.dumps([deciding, gpus], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
