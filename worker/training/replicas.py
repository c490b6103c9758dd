"""One model on several devices: each takes its share of every batch, the loss is of all its rows.

Keras's own `train_step` under MirroredStrategy takes the mean of each replica's mean, clips each
replica's gradients alone and leaves the statistics of BatchNormalization apart. Here a replica
only runs forwards and backwards; loss, metrics and optimizer see the whole batch, as on one device.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from worker.training.batch_shares import Share, shares_of
from worker.training.feed import Batch

_SEED_SHIFT = 0x9E3779B9
"""From one replica's random streams to the next one's: odd and large, so that none meet."""

_NOT_COMPILED = "`jit_compile` is passed over: XLA compiles no step of several devices."


@dataclass(frozen=True)
class Pass:
    """One replica's way forwards, which its tape leads back."""

    tape: tf.GradientTape
    outputs: Mapping[str, Any]
    added: Sequence[Any]
    """Losses of layers and regularizers: a mean over rows each, or the same on all replicas."""

    @property
    def ends(self) -> list[Any]:
        """What the batch's loss is made of."""
        return [*self.outputs.values(), *self.added]


class Replicas:
    """Keras's steps for a compiled model that was built under the strategy's scope.

    Metrics are built outside of it: they are one, and see every row once.
    """

    def __init__(self, model: Any, strategy: Any) -> None:
        self._model, self._strategy = model, strategy
        if model.jit_compile:
            model.jit_compile = False
            warnings.warn(_NOT_COMPILED, UserWarning, stacklevel=2)
        layers = model._flatten_layers()
        self._seeds = [seed.state for layer in layers for seed in layer._seed_generators]
        self._statistics = [
            variable
            for layer in layers
            for variable in layer._non_trainable_variables
            if "float" in variable.dtype
        ]

    def train_step(self, batch: Batch) -> dict[str, Any]:
        """What `model.train_step` does on one device; called while a graph is traced."""
        shares, passes = self._forward(batch, training=True)
        ends = [end for one in passes for end in one.ends]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([end for end in ends if end.dtype.is_floating])
            predicted, loss = self._judged(batch, shares, passes)
            scaled = self._model.optimizer.scale_loss(loss)
        gradients = self._backward(passes, tape.gradient(scaled, ends))
        variables = self._model.trainable_variables
        self._model.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self._measured(batch, predicted, loss)

    def test_step(self, batch: Batch) -> dict[str, Any]:
        """What `model.test_step` does on one device; called while a graph is traced."""
        shares, passes = self._forward(batch, training=False)
        return self._measured(batch, *self._judged(batch, shares, passes))

    def _forward(self, batch: Batch, *, training: bool) -> tuple[list[Share], list[Pass]]:
        shares = shares_of(batch[0], self._strategy.num_replicas_in_sync)

        def of_replica() -> Pass:
            number = _number()
            self._shift_seeds(number)
            with tf.GradientTape() as tape:
                outputs = self._model(shares[number].inputs, training=training)
                added = list(self._model.losses)
            self._shift_seeds(-number)
            return Pass(tape, outputs, added)

        passes = self._strategy.experimental_local_results(self._strategy.run(of_replica))
        self._merge_statistics(shares)
        return shares, list(passes)

    def _shift_seeds(self, replicas: int) -> None:
        """Each replica draws its own noise, though all keep the first one's seeds."""
        for seed in self._seeds if replicas else ():
            seed.assign(seed.value + tf.constant([replicas * _SEED_SHIFT, 0], seed.dtype))

    def _merge_statistics(self, shares: Sequence[Share]) -> None:
        """What replicas learnt of their rows apart becomes one; what they agree on stays."""
        for variable in self._statistics:
            first, *others = self._strategy.experimental_local_results(variable.value)
            merged = kept = tf.convert_to_tensor(first)
            for share, other in zip(shares[1:], others, strict=True):
                merged += tf.cast(share.fraction, kept.dtype) * (other - kept)
            variable.assign(merged)

    def _judged(
        self, batch: Batch, shares: Sequence[Share], passes: Sequence[Pass]
    ) -> tuple[dict[str, Any], Any]:
        """The outputs for the whole batch, and its loss."""
        _, y, weights = batch
        predicted = {name: _joined(name, shares, passes) for name in passes[0].outputs}
        loss = self._model._compile_loss(y, predicted, weights)
        for share, one in zip(shares, passes, strict=True):
            for added in one.added:
                loss += tf.cast(share.fraction, loss.dtype) * tf.cast(added, loss.dtype)
        return predicted, loss

    def _backward(self, passes: Sequence[Pass], seeds: Sequence[Any]) -> list[Any]:
        """The gradients of all replicas together, by trainable variable.

        Args:
            seeds: The loss's gradient by each replica's ends, one replica after the other.
        """
        count = len(passes[0].ends)
        variables = [variable.value for variable in self._model.trainable_variables]

        def of_replica() -> list[Any]:
            number = _number()
            one, own = passes[number], seeds[number * count : (number + 1) * count]
            pairs = zip(one.ends, own, strict=True)
            ends, begun = zip(*(pair for pair in pairs if pair[1] is not None), strict=True)
            found: list[Any] = one.tape.gradient(ends, variables, output_gradients=begun)
            return found

        found = self._strategy.run(of_replica)
        return [None if parts is None else self._sum(parts) for parts in found]

    def _sum(self, gradients: Any) -> Any:
        with tf.device(self._strategy.extended.worker_devices[0]):
            return self._strategy.reduce(tf.distribute.ReduceOp.SUM, gradients, axis=None)

    def _measured(self, batch: Batch, predicted: Mapping[str, Any], loss: Any) -> dict[str, Any]:
        x, y, weights = batch
        self._model._loss_tracker.update_state(loss, sample_weight=tf.shape(x[0])[0])
        logs: dict[str, Any] = self._model.compute_metrics(x, y, predicted, sample_weight=weights)
        return logs


def _number() -> int:
    """Of the replica that is traced."""
    context = tf.distribute.get_replica_context()
    return int(tf.get_static_value(context.replica_id_in_sync_group))


def _joined(name: str, shares: Sequence[Share], passes: Sequence[Pass]) -> Any:
    """One output for all rows of the batch, with the mask that its loss heeds."""
    parts = [one.outputs[name] for one in passes]
    whole = _rows(shares, parts)
    masks = [getattr(part, "_keras_mask", None) for part in parts]
    if masks[0] is not None:
        whole._keras_mask = _rows(shares, masks)
    return whole


def _rows(shares: Sequence[Share], parts: Sequence[Any]) -> Any:
    return tf.concat([part[: share.rows] for share, part in zip(shares, parts, strict=True)], 0)
