"""What a machine with GPUs offers, from descriptions of devices that this machine lacks."""

from typing import Any

import pytest

from worker.protocol.machine import DECIDING, Environment
from worker.training.hardware import cuda
from worker.training.hardware.cuda import CudaError, read_total_bytes
from worker.training.hardware.inventory import USABLE, describe_gpus

ON_GPU: Environment = {**dict.fromkeys(DECIDING, "1"), "device": "gpu", "tf32": False}


def test_the_smallest_gpu_decides_the_memory() -> None:
    machine = describe_gpus(ON_GPU, ("A", "B"), [80 * 2**30, 40 * 2**30])

    assert (machine.capacity.device, machine.capacity.gpus) == ("gpu", 2)
    assert machine.capacity.memory_bytes == int(40 * 2**30 * USABLE)
    assert machine.devices == ("A", "B")
    assert "tf32" not in machine.environment


class Driver:
    """The calls of the CUDA driver for a machine with GPUs of these sizes."""

    def __init__(self, sizes: list[int], code: int = 0) -> None:
        self.sizes, self.code = sizes, code

    def cuInit(self, _flags: int) -> int:  # noqa: N802
        return self.code

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = len(self.sizes)
        return 0

    def cuDeviceGet(self, device: Any, number: int) -> int:  # noqa: N802
        device._obj.value = number
        return 0

    def cuDeviceTotalMem_v2(self, size: Any, device: Any) -> int:  # noqa: N802
        size._obj.value = self.sizes[device.value]
        return 0


def test_the_memory_of_each_gpu_is_read_from_the_driver() -> None:
    sizes = [80 * 2**30, 16 * 2**30]
    assert read_total_bytes(Driver(sizes)) == sizes


def test_an_error_of_the_driver_is_raised() -> None:
    with pytest.raises(CudaError, match="100"):
        read_total_bytes(Driver([], code=100))


@pytest.mark.parametrize(
    ("driver", "count"), [(Driver([80, 40]), 2), (Driver([]), 0), (Driver([80], code=100), 0)]
)
def test_gpus_are_counted(monkeypatch: pytest.MonkeyPatch, driver: Driver, count: int) -> None:
    monkeypatch.setattr(cuda, "load_driver", lambda: driver)
    assert cuda.count_gpus() == count


def test_there_is_no_gpu_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "DRIVER", "libno-such-driver.so.1")
    assert cuda.count_gpus() == 0
