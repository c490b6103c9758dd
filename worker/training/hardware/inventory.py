"""Describes this machine's devices. It imports TensorFlow, so only a child process calls it."""

from collections.abc import Sequence
from typing import Literal

import tensorflow as tf

from domain.job.resources import Capacity
from worker.protocol.machine import OF_EACH_JOB, Environment, Machine, environment_key
from worker.settings import Settings
from worker.training.hardware import cuda
from worker.training.hardware.environment import environment
from worker.training.hardware.memory import machine_bytes

USABLE = 0.9
"""The fraction of a GPU's memory that a job may count on; CUDA and TensorFlow reserve the rest."""


def machine() -> Machine:
    """All visible GPUs, or else the CPU."""
    found = environment(deterministic=True)
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return machine_of_gpus(found, _models(gpus), cuda.total_bytes(cuda.load_driver()))
    return _machine("cpu", 0, _cpu_bytes(), (str(found["cpu"]),), found)


def machine_of_gpus(
    found: Environment, models: tuple[str, ...], total_bytes: Sequence[int]
) -> Machine:
    """A machine with GPUs. The smallest one counts: a job takes as much memory of each.

    Args:
        found: The environment of a process that sees these GPUs.
        models: The model name of each GPU.
        total_bytes: The memory of each GPU, in any order.
    """
    return _machine("gpu", len(models), int(min(total_bytes) * USABLE), models, found)


def _machine(
    device: Literal["cpu", "gpu"],
    gpus: int,
    memory_bytes: int,
    models: tuple[str, ...],
    found: Environment,
) -> Machine:
    key = environment_key(found, models)
    capacity = Capacity(device=device, gpus=gpus, memory_bytes=memory_bytes, environment_key=key)
    of_machine = {name: found[name] for name in found if name not in OF_EACH_JOB}
    return Machine(capacity, models, of_machine)


def _models(gpus: Sequence[tf.config.PhysicalDevice]) -> tuple[str, ...]:
    details = tf.config.experimental.get_device_details
    return tuple(str(details(gpu).get("device_name", gpu.name)) for gpu in gpus)


def _cpu_bytes() -> int:
    return Settings().max_training_memory_bytes or machine_bytes()
