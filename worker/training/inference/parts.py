"""Files with the outputs of some consecutive rows, which another attempt goes on from."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from worker.training.inference.computation import Outputs, OutputSpec
from worker.training.rows.sources import TEXT_DTYPE, Array

VALUES, LENGTHS, TEXT_LENGTHS = "values", "lengths", "text_lengths"


def save_part(outputs: Mapping[str, Outputs], states: Mapping[str, Array], path: Path) -> None:
    """Writes the outputs of some rows.

    Args:
        outputs: The outputs by name.
        states: Other arrays by name: the states after these rows.
        path: The new file.
    """
    arrays: dict[str, Array] = dict(states)
    for index, part in enumerate(outputs.values()):
        if part.lengths is not None:
            arrays[f"{LENGTHS}/{index}"] = part.lengths.astype(np.int64)
        arrays |= {f"{name}/{index}": array for name, array in _encode(part.values).items()}
    save_file(arrays, path)


def _encode(values: Array) -> dict[str, Array]:
    """Returns bytes in place of texts and of dtypes that a file may not know."""
    if values.dtype != TEXT_DTYPE:
        return {VALUES: np.ascontiguousarray(values).reshape(-1).view(np.uint8)}
    texts = values.reshape(-1).tolist()
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return {VALUES: np.frombuffer(b"".join(texts), np.uint8), TEXT_LENGTHS: lengths}


def load_part(
    path: Path, specs: Mapping[str, OutputSpec]
) -> tuple[dict[str, Outputs], dict[str, Array]]:
    """Reads the outputs of some rows, and all arrays of the file.

    Args:
        path: A file of `save_part`.
        specs: The outputs by name, in the same order.
    """
    arrays = load_file(path)
    found: dict[str, Outputs] = {}
    for index, (name, spec) in enumerate(specs.items()):
        items = [axis for axis in spec.shape if axis is not None]
        data = arrays[f"{VALUES}/{index}"]
        texts = arrays.get(f"{TEXT_LENGTHS}/{index}")
        values = data.view(spec.dtype) if texts is None else _cut(data, texts)
        found[name] = Outputs(values.reshape(-1, *items), arrays.get(f"{LENGTHS}/{index}"))
    return found, arrays


def _cut(data: Array, lengths: Array) -> Array:
    ends, joined = np.cumsum(lengths), data.tobytes()
    texts = np.empty(len(lengths), TEXT_DTYPE)
    pairs = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    texts[:] = [joined[start:end] for start, end in pairs]
    return texts


def select_rows(outputs: Mapping[str, Outputs], start: int, stop: int) -> dict[str, Outputs]:
    """Returns some of the rows of outputs."""
    return {name: _select(part, start, stop) for name, part in outputs.items()}


def _select(part: Outputs, start: int, stop: int) -> Outputs:
    if part.lengths is None:
        return Outputs(part.values[start:stop])
    first, last = int(part.lengths[:start].sum()), int(part.lengths[:stop].sum())
    return Outputs(part.values[first:last], part.lengths[start:stop])
