"""The GPUs of a machine are shared out among the workers of `graphfit serve`."""

import pytest

from cli import gpus
from worker.training.hardware import cuda


@pytest.mark.parametrize(
    ("count", "workers", "shares"),
    [
        (4, 2, ["0,1", "2,3"]),
        (5, 2, ["0,1,2", "3,4"]),
        (2, 2, ["0", "1"]),
        (1, 3, ["0", "-1", "-1"]),
        (0, 3, [None, None, None]),
        (4, 1, [None]),
    ],
)
def test_each_gpu_is_given_to_one_worker(
    monkeypatch: pytest.MonkeyPatch, count: int, workers: int, shares: list[str | None]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(cuda, "count_gpus", lambda: count)
    assert gpus.share_gpus(workers) == shares


def test_only_visible_gpus_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-5a,7")
    monkeypatch.setattr(cuda, "count_gpus", lambda: 3)
    assert gpus.share_gpus(2) == ["3,GPU-5a", "7"]
