"""Trains one model on several devices. Each computes its share of every batch.

Under MirroredStrategy, Keras's own `train_step` takes the mean of the replicas' mean losses, clips
the gradients of each replica alone and does not merge the statistics of BatchNormalization. Here a
replica only runs the forward and the backward pass. Loss, metrics and optimizer see the whole
batch, as on one device.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import tensorflow as tf

from compiler.keras_private import (
    compute_loss,
    get_all_layers,
    get_mask,
    get_own_non_trainable_variables,
    get_seed_generators,
    set_mask,
    update_loss_metric,
)
from worker.training.rows.feed import Batch

_SEED_SHIFT = 0x9E3779B9
"""Distance between the seeds of two replicas, odd and large, so that their streams differ."""

_NOT_COMPILED = "`jit_compile` is ignored: XLA cannot compile a step of several devices."


@dataclass(frozen=True)
class Share:
    """The rows of one replica in a batch."""

    inputs: tuple[Any, ...]
    """At least one row, since a layer may divide by the number of its rows."""
    rows: Any
    """The number of these rows that count; 0 if the batch has fewer rows than replicas."""
    fraction: Any
    """These rows as a fraction of the batch's rows."""


def make_shares(inputs: Sequence[Any], replicas: int) -> list[Share]:
    """Splits a batch into consecutive rows for each replica; called while a graph is traced.

    The sizes differ by at most one row.

    Args:
        inputs: Tensors with equal numbers of rows.
        replicas: The number of shares.
    """
    known = inputs[0].shape[0]
    rows = tf.shape(inputs[0])[0] if known is None else known
    bounds = [rows * i // replicas for i in range(replicas + 1)]
    return [_make_share(inputs, start, stop, rows) for start, stop in pairwise(bounds)]


def _make_share(inputs: Sequence[Any], start: Any, stop: Any, rows: Any) -> Share:
    end = max(stop, start + 1) if isinstance(stop, int) else tf.maximum(stop, start + 1)
    fraction = tf.cast(stop - start, tf.float32) / tf.cast(rows, tf.float32)
    return Share(tuple(tensor[start:end] for tensor in inputs), stop - start, fraction)


@dataclass(frozen=True)
class ForwardPass:
    """The forward pass of one replica, and the tape that differentiates it."""

    tape: tf.GradientTape
    outputs: Mapping[str, Any]
    added_losses: Sequence[Any]
    """Losses of layers and regularizers: each a mean over rows, or equal on all replicas."""

    @property
    def ends(self) -> list[Any]:
        """The tensors from which the batch's loss is computed."""
        return [*self.outputs.values(), *self.added_losses]


class Replicas:
    """Keras's steps for a compiled model that was built in the strategy's scope.

    Metrics are built outside the scope: each exists once and sees every row once.
    """

    def __init__(self, model: Any, strategy: Any) -> None:
        self._model, self._strategy = model, strategy
        if model.jit_compile:
            model.jit_compile = False
            warnings.warn(_NOT_COMPILED, UserWarning, stacklevel=2)
        layers = get_all_layers(model)
        self._seeds = [seed.state for layer in layers for seed in get_seed_generators(layer)]
        self._statistics = [
            variable
            for layer in layers
            for variable in get_own_non_trainable_variables(layer)
            if "float" in variable.dtype
        ]

    def train_step(self, batch: Batch) -> dict[str, Any]:
        """Does what `model.train_step` does on one device; called while a graph is traced."""
        shares, passes = self._forward(batch, training=True)
        ends = [end for one in passes for end in one.ends]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([end for end in ends if end.dtype.is_floating])
            predicted, loss = self._compute_loss(batch, shares, passes)
            scaled = self._model.optimizer.scale_loss(loss)
        gradients = self._backward(passes, tape.gradient(scaled, ends))
        variables = self._model.trainable_variables
        self._model.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self._compute_metrics(batch, predicted, loss)

    def test_step(self, batch: Batch) -> dict[str, Any]:
        """Does what `model.test_step` does on one device; called while a graph is traced."""
        shares, passes = self._forward(batch, training=False)
        return self._compute_metrics(batch, *self._compute_loss(batch, shares, passes))

    def _forward(self, batch: Batch, *, training: bool) -> tuple[list[Share], list[ForwardPass]]:
        shares = make_shares(batch[0], self._strategy.num_replicas_in_sync)

        def run_replica() -> ForwardPass:
            number = _get_replica_number()
            self._shift_seeds(number)
            with tf.GradientTape() as tape:
                outputs = self._model(shares[number].inputs, training=training)
                added = list(self._model.losses)
            self._shift_seeds(-number)
            return ForwardPass(tape, outputs, added)

        passes = self._strategy.experimental_local_results(self._strategy.run(run_replica))
        self._merge_statistics(shares)
        return shares, list(passes)

    def _shift_seeds(self, replicas: int) -> None:
        """Gives each replica its own random numbers; stored seeds are those of the first."""
        for seed in self._seeds if replicas else ():
            seed.assign(seed.value + tf.constant([replicas * _SEED_SHIFT, 0], seed.dtype))

    def _merge_statistics(self, shares: Sequence[Share]) -> None:
        """Merges statistics that the replicas computed from their own rows, as a weighted mean."""
        for variable in self._statistics:
            first, *others = self._strategy.experimental_local_results(variable.value)
            merged = base = tf.convert_to_tensor(first)
            for share, other in zip(shares[1:], others, strict=True):
                merged += tf.cast(share.fraction, base.dtype) * (other - base)
            variable.assign(merged)

    def _compute_loss(
        self, batch: Batch, shares: Sequence[Share], passes: Sequence[ForwardPass]
    ) -> tuple[dict[str, Any], Any]:
        """Returns the outputs for the whole batch by name, and its loss."""
        _, y, weights = batch
        predicted = {name: _join(name, shares, passes) for name in passes[0].outputs}
        loss = compute_loss(self._model, y, predicted, weights)
        for share, one in zip(shares, passes, strict=True):
            for added in one.added_losses:
                loss += tf.cast(share.fraction, loss.dtype) * tf.cast(added, loss.dtype)
        return predicted, loss

    def _backward(self, passes: Sequence[ForwardPass], seeds: Sequence[Any]) -> list[Any]:
        """Returns the sum of the gradients of all replicas, for each trainable variable.

        Args:
            passes: The forward pass of each replica.
            seeds: The loss's gradients with respect to each replica's ends, replica by replica.
        """
        count = len(passes[0].ends)
        variables = [variable.value for variable in self._model.trainable_variables]

        def run_replica() -> list[Any]:
            number = _get_replica_number()
            one, own = passes[number], seeds[number * count : (number + 1) * count]
            pairs = zip(one.ends, own, strict=True)
            ends, begun = zip(*(pair for pair in pairs if pair[1] is not None), strict=True)
            found: list[Any] = one.tape.gradient(ends, variables, output_gradients=begun)
            return found

        found = self._strategy.run(run_replica)
        return [None if parts is None else self._sum(parts) for parts in found]

    def _sum(self, gradients: Any) -> Any:
        with tf.device(self._strategy.extended.worker_devices[0]):
            return self._strategy.reduce(tf.distribute.ReduceOp.SUM, gradients, axis=None)

    def _compute_metrics(
        self, batch: Batch, predicted: Mapping[str, Any], loss: Any
    ) -> dict[str, Any]:
        x, y, weights = batch
        update_loss_metric(self._model, loss, tf.shape(x[0])[0])
        logs: dict[str, Any] = self._model.compute_metrics(x, y, predicted, sample_weight=weights)
        return logs


def _get_replica_number() -> int:
    """Returns the number of the replica that is being traced."""
    context = tf.distribute.get_replica_context()
    return int(tf.get_static_value(context.replica_id_in_sync_group))


def _join(name: str, shares: Sequence[Share], passes: Sequence[ForwardPass]) -> Any:
    """Returns one output for all rows of the batch, with the mask that its loss applies."""
    parts = [one.outputs[name] for one in passes]
    whole = _join_rows(shares, parts)
    masks = [get_mask(part) for part in parts]
    if masks[0] is not None:
        set_mask(whole, _join_rows(shares, masks))
    return whole


def _join_rows(shares: Sequence[Share], parts: Sequence[Any]) -> Any:
    return tf.concat([part[: share.rows] for share, part in zip(shares, parts, strict=True)], 0)
