"""Bounds the memory of a training process, before TensorFlow has taken any for the job."""

import resource

import psutil


def bound(memory_bytes: int) -> None:
    """Let this process take so much more than it has; 0 sets no bound.

    RLIMIT_DATA and not RLIMIT_AS: datasets are mapped, not taken, and what TensorFlow and CUDA
    only reserve is many times what they use.
    """
    if memory_bytes:
        most = psutil.Process().memory_info().data + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
