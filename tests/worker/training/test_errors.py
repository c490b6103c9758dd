"""Whose fault an error is; a GPU's messages are TensorFlow's own, as it has raised them."""

import pytest
import tensorflow as tf

from domain.errors import Fault, Invalid
from tests.worker.training_tasks import DENSE, Jobs
from worker.training.errors import failure_of

ON_GPU = (
    "Graph execution error:\n\nOOM when allocating tensor with shape[65536,65536] and type float "
    "on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc\n"
    "\t [[{{node dense/MatMul}}]] [Op:__inference_execute_2]"
)
ON_CPU = (
    "OOM when allocating tensor with shape[9] and type float on /job:localhost by allocator cpu"
)
BY_DRIVER = "CUDA_ERROR_OUT_OF_MEMORY: out of memory"


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (tf.errors.ResourceExhaustedError(None, None, ON_GPU), "user"),
        (tf.errors.InternalError(None, None, BY_DRIVER), "user"),
        (tf.errors.ResourceExhaustedError(None, None, ON_CPU), "infrastructure"),
        (MemoryError(), "infrastructure"),
    ],
    ids=["gpu", "driver", "cpu", "python"],
)
def test_a_full_gpu_is_the_jobs_fault(jobs: Jobs, error: Exception, category: str) -> None:
    failed = failure_of(error, jobs.build(DENSE))

    assert (failed.type, failed.category) == ("out-of-memory", category)
    assert ("GPU" in failed.detail) == (category == "user")


@pytest.mark.parametrize("place", ["/graph", "/model"])
def test_a_graph_that_cannot_be_built_is_at_fault_where_the_request_has_it(
    jobs: Jobs, place: str
) -> None:
    refusal = Invalid([Fault(pointer="/nodes/0/layer", detail="Too large.")])

    failed = failure_of(refusal, jobs.build(DENSE, graph_place=place))

    assert (failed.pointer, failed.detail) == (f"{place}/nodes/0/layer", "Too large.")
