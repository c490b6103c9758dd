"""The category of an error; a GPU's messages are real messages of TensorFlow."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from domain.errors import Fault, Invalid
from tests.worker.child import in_child
from tests.worker.training_tasks import DENSE, Jobs
from worker.training.error_origin import keep_tracebacks
from worker.training.errors import make_failure
from worker.training.rows.sample_weights import compute_class_weights

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
    failed = make_failure(error, jobs.build(DENSE))

    assert (failed.type, failed.category) == ("out-of-memory", category)
    assert ("GPU" in failed.detail) == (category == "user")


@pytest.mark.parametrize("place", ["/graph", "/model"])
def test_the_failure_of_a_graph_points_to_its_field_in_the_request(jobs: Jobs, place: str) -> None:
    refusal = Invalid([Fault(pointer="/nodes/0/layer", detail="Too large.")])

    failed = make_failure(refusal, jobs.build(DENSE, graph_place=place))

    assert (failed.pointer, failed.detail) == (f"{place}/nodes/0/layer", "Too large.")


def refusal() -> None:
    """Keras refuses the shape of its input."""
    layer = keras.layers.Dense(1)
    layer.build((None, 3))
    layer(np.ones((2, 5)))


def own_fault() -> None:
    """An error in our own code: a class without a number."""
    compute_class_weights(np.ones(3), {"zero": 1.0}, 1)


def own_attribute_error() -> None:
    """An error in our own code whose text Keras's errors have too."""
    compute_class_weights(np.ones(3), [1.0], 1)  # type: ignore[arg-type]


def keras_attribute_error() -> None:
    """Keras does not check its argument, so Python raises an error inside Keras."""
    keras.layers.Embedding(2, 2)([keras.Input((3,)), keras.Input((3,))])


def kind_of(raises: Callable[[], None], task: Any) -> tuple[str, str]:
    keep_tracebacks()
    try:
        raises()
    except Exception as error:
        failed = make_failure(error, task)
        return failed.type, failed.category
    raise AssertionError("nothing was raised")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raises", "kind"),
    [
        (refusal, ("cannot-train", "user")),
        (keras_attribute_error, ("cannot-train", "user")),
        (own_fault, ("internal", "infrastructure")),
        (own_attribute_error, ("internal", "infrastructure")),
    ],
    ids=["keras", "keras's attribute error", "ours", "our attribute error"],
)
def test_an_error_that_keras_did_not_raise_is_an_infrastructure_failure(
    jobs: Jobs, raises: Callable[[], None], kind: tuple[str, str]
) -> None:
    assert in_child(kind_of, raises, jobs.build(DENSE)) == kind
