"""Numbers the values of a column by which a dataset is split."""

from collections.abc import Iterable
from contextlib import ExitStack
from hashlib import sha256

import numpy as np

from domain.dataset import Dataset
from domain.dtype import is_float
from domain.errors import Fault, Invalid, did_you_mean
from models_store.datasets.columns.npy import Array
from models_store.datasets.columns.ranges import list_blocks
from models_store.datasets.rows import open_columns
from models_store.files.store import ArtifactStore

STEP = 1 << 16
LONGEST_KEY = 256
"""The most bytes of a text that are kept while rows are numbered."""


def number_values(store: ArtifactStore, dataset: Dataset, name: str, field: str) -> Array:
    """Returns the number of the value of each row, in the order of the values.

    Args:
        store: The artifact store.
        dataset: The dataset.
        name: The name of the column.
        field: The field of the request, for faults.

    Raises:
        Invalid: There is no such column, or its values cannot be told apart.
    """
    index = _find_column(dataset, name, field)
    with ExitStack() as stack:
        (stored,) = open_columns(store, dataset, stack, [index])
        blocks = (
            stored.read(first, last).values
            for first, last in list_blocks([stored], dataset.rows, STEP)
        )
        if stored.is_text:
            return _number_texts(blocks)
        _, numbers = np.unique(np.concatenate(list(blocks)), return_inverse=True)
    return numbers


def _number_texts(blocks: Iterable[Array]) -> Array:
    """Returns the number of the text of each row, in the order of the texts."""
    codes: dict[bytes, int] = {}
    parts: list[Array] = []
    for texts in blocks:
        found = (codes.setdefault(_make_key(text), len(codes)) for text in texts.tolist())
        parts.append(np.fromiter(found, np.int64, len(texts)))
    numbers = np.empty(len(codes), np.int64)
    for number, key in enumerate(sorted(codes)):
        numbers[codes[key]] = number
    ordered: Array = numbers[np.concatenate(parts)]
    return ordered


def _make_key(text: bytes) -> bytes:
    """Returns what stands for a text: the text itself, or the start and the hash of a long one."""
    if len(text) <= LONGEST_KEY:
        return text
    return text[:LONGEST_KEY] + sha256(text).digest()


def _find_column(dataset: Dataset, name: str, field: str) -> int:
    names = [column.name for column in dataset.columns]
    if name not in names:
        detail = f"The dataset has no column '{name}'.{did_you_mean(name, names)}"
        raise Invalid([Fault(pointer=f"/{field}", detail=detail)])
    column = dataset.columns[names.index(name)]
    reason = None
    if column.shape:
        reason = "has several values a row"
    elif is_float(column.dtype):
        reason = f"holds {column.dtype}; text, whole numbers or booleans can be told apart"
    elif column.missing:
        reason = f"has {column.missing} missing values"
    if reason is not None:
        raise Invalid([Fault(pointer=f"/{field}", detail=f"Column '{name}' {reason}.")])
    return names.index(name)
