"""Computes the outputs of a model for all rows of a dataset, and writes them as a dataset."""

import hashlib
import json
import math
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np

from compiler.model.build import BuiltModel
from domain.dataset import Column, Dataset
from domain.job.inference.outputs import name_class_columns
from models_store.datasets.arrangement import arrange
from models_store.datasets.columns.classes import bound_classes
from models_store.datasets.staging import StagedDataset
from worker.protocol.messages import Checkpointed, Computed, Started, Stepped
from worker.protocol.tasks import PredictTask
from worker.training.hardware.environment import describe_environment
from worker.training.inference.columns import ClassColumn, KeptColumn, OutputColumn
from worker.training.inference.computation import (
    Arrays,
    Computation,
    Outputs,
    RaggedComputation,
    count_lengths,
    is_ragged,
)
from worker.training.inference.parts import load_part, save_part, select_rows
from worker.training.inference.random_states import RandomStates
from worker.training.output_folder import OutputFolder
from worker.training.rows.prepared import PreparedData
from worker.training.rows.sources import Array
from worker.training.supervisor_link import SupervisorLink

MEDIA_TYPE = "application/vnd.safetensors"
SECONDS_BETWEEN_REPORTS = 0.25
CHUNK_BYTES = 4 << 20
"""Bytes of the inputs and outputs of the rows that are read and written at once."""
MOST_BATCHES = 64
"""The most batches of such a chunk."""
RAGGED_BATCHES = 16
"""Batches of a chunk whose rows differ in length; they are sorted by length together."""
PART_BYTES = 64 << 20
"""Bytes of the outputs in one stored file."""


class Prediction:
    """One attempt at predicting.

    Chunks are consecutive examples. Their bounds depend on the task alone, so that statistics and
    the batches of rows of equal lengths are the same after a resume.
    """

    def __init__(
        self,
        task: PredictTask,
        data: PreparedData,
        built: BuiltModel,
        folder: OutputFolder,
        link: SupervisorLink,
    ) -> None:
        """Traces the model; computes nothing yet.

        Args:
            task: The task.
            data: The data of the task.
            built: The model.
            folder: The attempt's folder.
            link: The link to the supervisor.
        """
        self._task, self._folder, self._link = task, folder, link
        self._examples = data.training.examples
        self._inputs = data.make_inputs(data.training)
        self._rows = len(self._examples)
        self._size = min(task.batch_size, self._rows)
        self._steps = -(-self._rows // self._size)
        self._computation: Computation | RaggedComputation
        if any(is_ragged(column) for column in self._inputs.values()):
            self._computation = RaggedComputation(built.model, self._inputs, self._size)
        else:
            self._computation = Computation(built.model, self._inputs, self._size)
        self._chunk = self._count_chunk_batches() * self._size
        self._columns = _Columns(task, data, self._computation, self._rows)
        self._random = RandomStates(built.model)
        self._states = self._random.get()
        self._stored = 0
        self._reported = self._stored_at = time.monotonic()

    def _count_chunk_batches(self) -> int:
        if isinstance(self._computation, RaggedComputation):
            return RAGGED_BATCHES
        specs = self._computation.specs.values()
        shapes = [(column.shape, column.read_dtype) for column in self._inputs.values()]
        shapes += [(spec.shape, spec.dtype) for spec in specs]
        row = sum(math.prod(axis or 1 for axis in shape) * d.itemsize for shape, d in shapes)
        return max(1, min(MOST_BATCHES, CHUNK_BYTES // max(1, row * self._size)))

    def run(self) -> StagedDataset:
        """Computes the remaining rows; returns the dataset of all of them."""
        done = self._replay()
        where = describe_environment(self._task.deterministic)
        self._link.send(Started(where, 0, self._count_batches(done), self._steps))
        with ThreadPoolExecutor(1, "rows") as reader, ThreadPoolExecutor(1, "columns") as writer:
            self._compute_from(done, reader, writer)
        return self._columns.finish()

    def _compute_from(
        self, done: int, reader: ThreadPoolExecutor, writer: ThreadPoolExecutor
    ) -> None:
        """Computes chunk after chunk; the next one is read, and the last one written, meanwhile."""
        read = reader.submit(self._read, done) if done < self._rows else None
        written: Future[None] | None = None
        while read is not None:
            chunk, stop = read.result(), min(done + self._chunk, self._rows)
            read = reader.submit(self._read, stop) if stop < self._rows else None
            self._states = self._random.get()
            outputs = self._compute(done, chunk, written)
            if written is not None:
                written.result()
            written = writer.submit(self._columns.append, outputs, self._find_starts(done, stop))
            done = stop
            is_due = time.monotonic() - self._stored_at >= self._task.checkpoint_seconds
            if is_due and done < self._rows:
                written.result()
                self._states = self._random.get()
                self._store(done)
        if written is not None:
            written.result()

    def _find_starts(self, start: int, stop: int) -> Array:
        return self._examples.find_starts(np.arange(start, stop))

    def _read(self, start: int) -> Any:
        """Returns the inputs of a chunk, or the first rows of its examples if lengths differ."""
        starts = self._find_starts(start, min(start + self._chunk, self._rows))
        if isinstance(self._computation, RaggedComputation):
            return starts
        return self._take(starts)

    def _take(self, starts: Array) -> Arrays:
        return [column.take(starts) for column in self._inputs.values()]

    def _compute(
        self, start: int, chunk: Any, written: "Future[None] | None"
    ) -> dict[str, Outputs]:
        progress = partial(self._on_progress, start, written)
        if isinstance(self._computation, RaggedComputation):
            lengths = count_lengths(self._inputs, chunk)
            return self._computation.compute(
                lengths, lambda rows: self._take(chunk[rows]), progress
            )
        return self._computation.compute(chunk, progress)

    def _on_progress(self, start: int, written: "Future[None] | None", rows: int) -> None:
        """Reports progress, and stores the chunks before the present one if that is requested."""
        now = time.monotonic()
        if now - self._reported >= SECONDS_BETWEEN_REPORTS:
            self._reported = now
            self._link.check()
            self._link.send(Stepped(0, self._count_batches(start + rows), self._steps, {}))
        if self._link.take_save_request():
            if written is not None:
                written.result()
            self._store(start)
            done = self._count_batches(start)
            self._link.send(Checkpointed(0, done, self._steps, None))
            self._link.wait_for_end()

    def _count_batches(self, rows: int) -> int:
        return -(-rows // self._size)

    def _store(self, done: int) -> None:
        """Stores the outputs of all rows that are not stored yet, in files of bounded size."""
        for start in range(self._stored, done, self._count_part_rows()):
            stop = min(start + self._count_part_rows(), done)
            batches = self._count_batches(start), self._count_batches(stop)
            name = "part-{}-{}.safetensors".format(*batches)
            outputs = self._columns.read(start, stop)
            file = self._folder.write(name, MEDIA_TYPE, partial(save_part, outputs, self._states))
            self._link.send(Computed(file, *batches, self._steps))
        self._stored, self._stored_at = done, time.monotonic()

    def _count_part_rows(self) -> int:
        """Returns the rows of a stored file: whole chunks, of about PART_BYTES."""
        return self._chunk * max(1, PART_BYTES // CHUNK_BYTES)

    def _replay(self) -> int:
        """Writes the rows that earlier attempts have stored; returns their number."""
        done = 0
        for path in self._task.parts:
            outputs, arrays = load_part(path, self._computation.specs)
            self._random.set(arrays)
            stop = self._count_stored(outputs)
            for start in range(0, stop, self._chunk):
                end = min(start + self._chunk, stop)
                rows = self._find_starts(done + start, done + end)
                self._columns.append(select_rows(outputs, start, end), rows)
            done += stop
        self._stored = done
        return done

    @staticmethod
    def _count_stored(outputs: dict[str, Outputs]) -> int:
        first = next(iter(outputs.values()))
        return len(first.values if first.lengths is None else first.lengths)


class _Columns:
    """The columns of the new dataset: outputs, their classes, and copies."""

    def __init__(
        self,
        task: PredictTask,
        data: PreparedData,
        computation: Computation | RaggedComputation,
        rows: int,
    ) -> None:
        self._task = task
        window = task.recipe.window
        self._last = 0 if window is None else window.span
        folder = task.folder / "columns"
        folder.mkdir()
        names = list(computation.specs)
        classes = name_class_columns(names, task.preparation.classes)
        order = [*names, *classes.values(), *task.keep]
        paths = {name: folder / f"{index}.npy" for index, name in enumerate(order)}
        specs, preparation = computation.specs, task.preparation
        self._outputs = {n: OutputColumn(n, s, paths[n], rows) for n, s in specs.items()}
        self._classes = {
            output: ClassColumn(
                name,
                specs[output],
                paths[name],
                preparation.classes[output],
                preparation.thresholds.get(output),
            )
            for output, name in classes.items()
        }
        self._kept = [KeptColumn(n, data.training.columns[n], paths[n]) for n in task.keep]

    def append(self, outputs: dict[str, Outputs], starts: Array) -> None:
        """Writes some rows.

        Args:
            outputs: The outputs by name.
            starts: The first row of each example; of a window, its last row is copied.
        """
        for name, column in self._outputs.items():
            column.append(outputs[name])
        for name, classes in self._classes.items():
            classes.append(outputs[name])
        for kept in self._kept:
            kept.append(starts + self._last)

    def read(self, start: int, stop: int) -> dict[str, Outputs]:
        """Returns the outputs of some rows that are written."""
        return {name: column.read(start, stop) for name, column in self._outputs.items()}

    def finish(self) -> StagedDataset:
        """Completes the files; returns the dataset."""
        files = [column.finish() for column in self._outputs.values()]
        files += [column.finish() for column in self._classes.values()]
        files += [column.finish() for column in self._kept]
        arranged, arrays, shared = arrange(files)
        columns = bound_classes(arranged)
        record = Dataset(
            id=self._task.dataset,
            name=self._task.name,
            rows=files[0].rows,
            bytes=sum(file.nbytes for file in files),
            sha256=_hash(columns),
            columns=columns,
            created_at=datetime.now(UTC),
        )
        return StagedDataset(record, arrays, shared)


def _hash(columns: Sequence[Column]) -> str:
    """Returns a hash of the content of a dataset that no body has."""
    content = [
        [c.name, c.dtype, [*c.shape], {part: file.sha256 for part, file in c.parts.items()}]
        for c in columns
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
