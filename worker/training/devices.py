"""What a training process computes on: chosen and set up before TensorFlow runs anything."""

from typing import Any

import keras
import tensorflow as tf

from worker.protocol.training_order import Order

REDUCED = {"GPU": "mixed_float16", "CPU": "mixed_bfloat16"}
"""Keras's policies; a CPU has no fast float16."""


class NoSuchDevices(Exception):
    """The machine has fewer devices than the order asks for."""


def choose(order: Order) -> Any:
    """See to it that this process finds the devices of its order and no others.

    Several logical devices on one CPU are for trying out: they share its cores.

    Returns:
        The `tf.distribute.Strategy` of several devices; `None` for one.

    Raises:
        NoSuchDevices: E.g. this worker has fewer GPUs.
    """
    gpus = tf.config.list_physical_devices("GPU")
    on_gpu = order.device == "gpu" or (order.device == "any" and bool(gpus))
    if on_gpu and len(gpus) < order.devices:
        raise NoSuchDevices(f"The job needs {order.devices} GPUs; this worker has {len(gpus)}.")
    chosen = gpus[: order.devices] if on_gpu else []
    tf.config.set_visible_devices(chosen, "GPU")
    for gpu in chosen:  # other processes find the rest free
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_tensor_float_32_execution(order.mixed_precision)
    kind = "GPU" if on_gpu else "CPU"
    keras.config.set_dtype_policy(REDUCED[kind] if order.mixed_precision else "float32")
    return None if order.devices == 1 else _together(order.devices, kind)


def _together(devices: int, kind: str) -> Any:
    if kind == "CPU":
        (cpu,) = tf.config.list_physical_devices("CPU")
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(devices)]
        tf.config.set_logical_device_configuration(cpu, parts)
    return tf.distribute.MirroredStrategy(
        [f"{kind}:{number}" for number in range(devices)],
        # in the devices' order, so that sums have the same bits every time
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
