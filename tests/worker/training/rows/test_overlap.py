"""The rows of a batch are read while the devices compute the step before it."""

from threading import Event
from typing import Any

import numpy as np

from tests.worker.child import in_child

SECONDS = 60
ROWS, BATCH_SIZE = 32, 4
STEPS = ROWS // BATCH_SIZE


def train_and_wait_for_reads() -> tuple[list[int], int]:
    """Trains on two logical devices; each step waits until the next batch is being read.

    Without overlap, a step would wait for a read that only begins after it.

    Returns:
        The batches that were read in time, and the number of devices.
    """
    import keras
    import tensorflow as tf

    from compiler.keras_private import build_training
    from worker.training.replicas import Replicas
    from worker.training.rows.examples import Examples
    from worker.training.rows.feed import Column, Feed
    from worker.training.rows.sources import ArraySource
    from worker.training.steps import Steps

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    reads = [Event() for _ in range(STEPS)]
    in_time: list[int] = []

    class WatchedSource(ArraySource):
        def take(self, rows: Any) -> Any:
            reads[int(rows[0]) // BATCH_SIZE].set()
            return super().take(rows)

    def wait_for_next_read(first: Any) -> Any:
        following = int(first) // BATCH_SIZE + 1
        if following < STEPS and reads[following].wait(SECONDS):
            in_time.append(following)
        return np.float32(0)

    with strategy.scope():
        x = keras.Input((1,), name="x")
        model = keras.Model([x], {"y": keras.layers.Dense(1, name="y")(x)})
        model.compile("sgd", {"y": "mse"})
        model.optimizer.build(model.trainable_variables)
    rows = np.arange(ROWS, dtype=np.float32)[:, np.newaxis]
    float32 = np.dtype(np.float32)
    inputs = {"x": Column(WatchedSource(rows), float32)}
    targets = {"y": Column(ArraySource(rows), float32)}
    feed = Feed(Examples(range(ROWS)), inputs, targets, {"y": None}, constant_bytes=0)
    build_training(model, feed.make_symbolic_batch(BATCH_SIZE))
    train_step = Replicas(model, strategy).train_step

    def step(batch: Any) -> Any:
        waited = tf.numpy_function(wait_for_next_read, [batch[0][0][0, 0]], tf.float32)
        with tf.control_dependencies([waited]):
            return train_step(batch)

    Steps(model, step, feed, BATCH_SIZE).run(np.arange(ROWS), lambda *_: None)
    return sorted(in_time), strategy.num_replicas_in_sync


def test_a_step_of_two_devices_runs_while_the_next_batch_is_read() -> None:
    assert in_child(train_and_wait_for_reads) == (list(range(1, STEPS)), 2)
