"""The memory of GPUs, read from the CUDA driver, since TensorFlow's public API does not have it."""

import ctypes
from typing import Any

DRIVER = "libcuda.so.1"


class CudaError(Exception):
    """The CUDA driver answered with an error code."""


def load_driver() -> Any:
    """Returns the CUDA driver's library.

    Raises:
        OSError: it is not installed.
    """
    return ctypes.CDLL(DRIVER)


def read_total_bytes(driver: Any) -> list[int]:
    """Returns the memory of each GPU in bytes, in CUDA's order. `CUDA_VISIBLE_DEVICES` applies.

    No CUDA context is created, so no memory of a GPU is taken.

    Args:
        driver: The result of `load_driver`.

    Raises:
        CudaError: the driver refused a call.
    """
    _call(driver.cuInit, 0)
    count = ctypes.c_int()
    _call(driver.cuDeviceGetCount, ctypes.byref(count))
    return [_read_total_bytes(driver, number) for number in range(count.value)]


def _read_total_bytes(driver: Any, number: int) -> int:
    device, size = ctypes.c_int(), ctypes.c_size_t()
    _call(driver.cuDeviceGet, ctypes.byref(device), number)
    _call(driver.cuDeviceTotalMem_v2, ctypes.byref(size), device)
    return size.value


def count_gpus() -> int:
    """Returns the number of GPUs; 0 without a driver or a GPU. `CUDA_VISIBLE_DEVICES` applies."""
    try:
        return len(read_total_bytes(load_driver()))
    except (CudaError, OSError):
        return 0


def _call(function: Any, *arguments: Any) -> None:
    code = function(*arguments)
    if code != 0:
        raise CudaError(f"The CUDA driver answered with error {code}.")
