"""Chooses and configures the devices of a training process, before TensorFlow uses any."""

from typing import Any

import keras
import tensorflow as tf

from worker.protocol.tasks import ModelTask

REDUCED = {"GPU": "mixed_float16", "CPU": "mixed_bfloat16"}
"""Keras's policies for mixed precision; a CPU has no fast float16."""


class NoSuchDevices(Exception):
    """The machine has fewer devices than the task needs."""


def choose(task: ModelTask) -> Any:
    """Makes the devices of the task, and no others, visible to TensorFlow.

    Several logical devices of one CPU are for tests: they share its cores.

    Returns:
        The `tf.distribute.Strategy` of several devices; None for one device.

    Raises:
        NoSuchDevices: the worker has fewer GPUs.
    """
    gpus = tf.config.list_physical_devices("GPU")
    on_gpu = task.device == "gpu" or (task.device == "any" and bool(gpus))
    if on_gpu and len(gpus) < task.devices:
        raise NoSuchDevices(f"The job needs {task.devices} GPUs; this worker has {len(gpus)}.")
    chosen = gpus[: task.devices] if on_gpu else []
    tf.config.set_visible_devices(chosen, "GPU")
    for gpu in chosen:  # leaves the rest of its memory to other processes
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_tensor_float_32_execution(task.mixed_precision)
    kind = "GPU" if on_gpu else "CPU"
    keras.config.set_dtype_policy(REDUCED[kind] if task.mixed_precision else "float32")
    return None if task.devices == 1 else _make_strategy(task.devices, kind)


def _make_strategy(devices: int, kind: str) -> Any:
    if kind == "CPU":
        (cpu,) = tf.config.list_physical_devices("CPU")
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(devices)]
        tf.config.set_logical_device_configuration(cpu, parts)
    return tf.distribute.MirroredStrategy(
        [f"{kind}:{number}" for number in range(devices)],
        # adds in the order of the devices, so that sums always have the same bits
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
