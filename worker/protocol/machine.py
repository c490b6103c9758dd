"""What a worker runs on, as a child that may load TensorFlow has found it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from domain.job.resources import Capacity

DECIDING = (
    *("device", "cpu_features", "onednn", "python", "keras", "tensorflow", "numpy"),
    *("compute_capability", "cuda", "cudnn"),  # of GPUs
)
"""What of an environment decides a result's bits; thread counts are each job's own."""

OF_EACH_JOB = (
    *("devices", "deterministic", "precision", "tf32"),
    *("intra_op_threads", "inter_op_threads"),
)
"""What else does, besides the model of the GPU: a job decides it, not the machine."""

Environment = Mapping[str, str | int | bool | None]


@dataclass(frozen=True)
class Machine:
    """Devices and environment of one worker."""

    capacity: Capacity
    devices: tuple[str, ...]
    """The model of each."""
    environment: Environment


def differences(before: Environment, here: Environment) -> list[str]:
    """What makes the bits of one environment not those of another, in words."""
    return [
        f"{name} {before.get(name)} became {here.get(name)}"
        for name in (*DECIDING, "gpu", *OF_EACH_JOB)
        if before.get(name) != here.get(name)
    ]


def told(unlike: list[str]) -> str:
    """The warning of it."""
    return (
        "The training went on in an environment unlike that of its beginning, so its result may "
        f"differ in some bits from an undisturbed run's: {'; '.join(unlike)}."
    )


def environment_key(environment: Environment, devices: tuple[str, ...]) -> str:
    """Equal where a job goes on with the same bits.

    Args:
        environment: As jobs record it.
        devices: The models; those of GPUs count.
    """
    deciding = {name: environment.get(name) for name in DECIDING}
    gpus = sorted(set(devices)) if environment["device"] == "gpu" else []
    text = json.dumps([deciding, gpus], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
