"""Describes this machine's devices. It imports TensorFlow, so only a child process calls it."""

from collections.abc import Sequence
from typing import Literal

import tensorflow as tf

from domain.job.resources import Capacity
from worker.protocol.machine import OF_EACH_JOB, Environment, Machine, compute_environment_key
from worker.settings import Settings
from worker.training.hardware import cuda
from worker.training.hardware.environment import describe_environment
from worker.training.hardware.memory import get_machine_bytes

USABLE = 0.9
"""The fraction of a GPU's memory that a job may count on; CUDA and TensorFlow reserve the rest."""


def describe_machine() -> Machine:
    """Returns all visible GPUs, or else the CPU."""
    found = describe_environment(deterministic=True)
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return describe_gpus(found, _list_models(gpus), cuda.read_total_bytes(cuda.load_driver()))
    return _make_machine("cpu", 0, _get_cpu_bytes(), (str(found["cpu"]),), found)


def describe_gpus(
    found: Environment, models: tuple[str, ...], total_bytes: Sequence[int]
) -> Machine:
    """Returns a machine with GPUs; its memory is that of the smallest GPU.

    A job uses the same amount of memory on each GPU.

    Args:
        found: The environment of a process that sees these GPUs.
        models: The model name of each GPU.
        total_bytes: The memory of each GPU, in any order.
    """
    return _make_machine("gpu", len(models), int(min(total_bytes) * USABLE), models, found)


def _make_machine(
    device: Literal["cpu", "gpu"],
    gpus: int,
    memory_bytes: int,
    models: tuple[str, ...],
    found: Environment,
) -> Machine:
    key = compute_environment_key(found, models)
    capacity = Capacity(device=device, gpus=gpus, memory_bytes=memory_bytes, environment_key=key)
    of_machine = {name: found[name] for name in found if name not in OF_EACH_JOB}
    return Machine(capacity, models, of_machine)


def _list_models(gpus: Sequence[tf.config.PhysicalDevice]) -> tuple[str, ...]:
    details = tf.config.experimental.get_device_details
    return tuple(str(details(gpu).get("device_name", gpu.name)) for gpu in gpus)


def _get_cpu_bytes() -> int:
    return Settings().max_training_memory_bytes or get_machine_bytes()
