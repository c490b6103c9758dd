"""Finds what this machine offers; loads TensorFlow, so only a child of the worker may."""

import tensorflow as tf
from tensorflow.python.client import device_lib

from domain.job.resources import Capacity
from worker.protocol.machine import OF_EACH_JOB, Machine, environment_key
from worker.settings import Settings
from worker.training.environment import environment
from worker.training.memory import machine_bytes


def machine() -> Machine:
    """All GPUs that are visible here, or else the CPU."""
    found = environment(deterministic=True)
    gpus = tf.config.list_physical_devices("GPU")
    devices = tuple(_model(gpu) for gpu in gpus) or (str(found["cpu"]),)
    capacity = Capacity(
        device="gpu" if gpus else "cpu",
        gpus=len(gpus),
        memory_bytes=_gpu_bytes() if gpus else _cpu_bytes(),
        environment_key=environment_key(found, devices),
    )
    lasting = {name: found[name] for name in found if name not in OF_EACH_JOB}
    return Machine(capacity, devices, lasting)


def _model(gpu: tf.config.PhysicalDevice) -> str:
    return str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))


def _gpu_bytes() -> int:
    """What TensorFlow may take of the smallest: a job on several takes as much of each."""
    devices = device_lib.list_local_devices()
    return min(device.memory_limit for device in devices if device.device_type == "GPU")


def _cpu_bytes() -> int:
    return Settings().max_training_memory_bytes or machine_bytes()
