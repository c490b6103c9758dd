"""Pins and describes everything besides the request that decides the bits of a result."""

import hashlib
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Environment = dict[str, str | int | bool | None]


def pin(deterministic: bool, threads: int | None = None) -> None:
    """Sets the number of threads and TensorFlow's determinism. Call it before any operation.

    Args:
        deterministic: Whether equal environments must give equal bits.
        threads: Threads for each operation, e.g. those of the attempt that is resumed. None: one
            for each core, set explicitly. It slows small models down a little and speeds large
            ones up a lot.
    """
    threads = threads or _count_cores()
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def describe_environment(deterministic: bool) -> Environment:
    """Describes the hardware, software and options that this process computes with."""
    cpu = _read_cpu()
    gpus = tf.config.get_visible_devices("GPU")
    device = "gpu" if gpus else "cpu"
    return {
        "device": device,
        "devices": len(tf.config.list_logical_devices(device.upper())),
        **(_describe_gpus(gpus) if gpus else {}),
        "cpu": cpu.get("model name", platform.processor() or platform.machine()),
        "cpu_features": hashlib.sha256(cpu.get("flags", "").encode()).hexdigest()[:16],
        "intra_op_threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") == "1",
        "deterministic": deterministic,
        "precision": keras.config.dtype_policy().name,
        "python": platform.python_version(),
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
    }


def _describe_gpus(gpus: Sequence[Any]) -> Environment:
    """Returns models and software of GPUs; equal values of several GPUs are listed once."""
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    models = {str(one.get("device_name", "unknown")) for one in details}
    capabilities = {_format_version(one.get("compute_capability", ())) for one in details}
    build = tf.sysconfig.get_build_info()
    return {
        "gpu": ", ".join(sorted(models)),
        "compute_capability": ", ".join(sorted(capabilities)),
        "cuda": str(build.get("cuda_version")),
        "cudnn": str(build.get("cudnn_version")),
        "tf32": tf.config.experimental.tensor_float_32_execution_enabled(),
    }


def _format_version(parts: Iterable[int]) -> str:
    return ".".join(map(str, parts))


def _count_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_cpu() -> dict[str, str]:
    """Returns the first processor's entry of Linux's `/proc/cpuinfo`; empty on other systems."""
    listing = Path("/proc/cpuinfo")
    if not listing.exists():
        return {}
    first = listing.read_text().split("\n\n", maxsplit=1)[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
