"""Converts Arrow arrays without lists to NumPy's numbers, and to the bytes of texts."""

import codecs
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from domain.dtype import is_float
from domain.errors import clip
from models_store.datasets.columns.npy import Array
from models_store.datasets.columns.numbers import InvalidValue, cast
from models_store.datasets.formats.tables.parse import find_unparsed, parse_texts
from models_store.datasets.formats.tables.types import find_dtype, is_text, is_time

TEXT_BLOCK_BYTES = 4 << 20
"""Bytes of texts that are written at once, if a dictionary or views may repeat them."""
LARGE_BYTES = 16 << 20
"""Bytes of other texts from which on they are written in such parts as well."""
MOST_TEXT_BYTES = 128 << 20
"""The most bytes of one text. A text of more than 64 MiB cannot be read as JSON either."""
SAMPLE = 2_048
"""Texts of a block that show whether almost all are distinct."""


class Texts(NamedTuple):
    """Consecutive texts."""

    lengths: Array
    """The number of bytes of each text; 0 where one is missing."""
    data: Array
    """The bytes of all texts."""
    missing: Array | None


def find_missing(array: pa.Array) -> Array | None:
    """Returns a mask of the values that are missing; None if there is none."""
    if not array.null_count:
        return None
    mask: Array = pc.is_null(array).to_numpy(zero_copy_only=False)
    return mask


def decode_numbers(array: pa.Array) -> pa.Array:
    """Replaces indices into a dictionary by its values, of which some may be missing."""
    return array.dictionary_decode() if pt.is_dictionary(array.type) else array


def read_numbers(array: pa.Array, dtype: "np.dtype[Any]") -> Array:
    """Returns the values of an array without a dictionary; any value where one is missing.

    Raises:
        InvalidValue: A value does not fit the dtype.
    """
    missing = find_missing(array)
    values = _view_numbers(_simplify(array, dtype))
    if missing is not None and values.dtype != dtype:
        values = np.where(missing, values.dtype.type(0), values)
    if values.dtype.kind == "f" and is_float(dtype.name):
        return _round(values, dtype)
    return cast(values, dtype)


def _round(values: Array, dtype: "np.dtype[Any]") -> Array:
    """Rounds floats to another dtype; a finite value must stay finite."""
    if values.dtype == dtype:
        return values
    with np.errstate(over="ignore"):
        rounded = values.astype(dtype)
    wrong = np.isinf(rounded) & np.isfinite(values)
    if wrong.any():
        index = int(wrong.argmax())
        raise InvalidValue(index, f"{values[index]} does not fit {dtype.name}.")
    return rounded


def _simplify(array: pa.Array, dtype: "np.dtype[Any]") -> pa.Array:
    """Converts an array to one of Arrow's types of numbers or booleans."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage.cast(pa.bool_())  # of type arrow.bool8
    if pt.is_null(array.type):
        return pa.nulls(len(array), pa.float64())
    if pt.is_decimal(array.type):
        return _convert_decimals(array, dtype)
    if is_time(array.type):
        return array.view(pa.int64() if array.type.bit_width == 64 else pa.int32())
    return _parse(array, dtype) if is_text(array.type) else array


def _convert_decimals(array: pa.Array, dtype: "np.dtype[Any]") -> pa.Array:
    """Converts decimal numbers to whole numbers exactly, or to the nearest floats.

    The texts are parsed, since Arrow's own cast rounds a float several times.
    """
    is_whole = array.type.scale == 0 and dtype.kind in "iu"
    if is_whole or find_dtype(array.type) == "int64":
        return _parse(array.cast(pa.string()), np.dtype(dtype if is_whole else np.int64))
    return array.cast(pa.string()).cast(pa.float64())


def _parse(array: pa.Array, dtype: "np.dtype[Any]") -> pa.Array:
    """Parses texts as numbers or booleans."""
    kind = pa.float64() if dtype.kind in "fV" else pa.from_numpy_dtype(dtype)
    texts = array.cast(pa.large_string())
    parsed = parse_texts(texts, kind)
    if parsed is None:
        index = find_unparsed(texts, kind)
        raise InvalidValue(index, f"'{clip(texts[index].as_py())}' is no {dtype.name}.")
    return parsed


def _view_numbers(array: pa.Array) -> Array:
    """Returns the buffer of the values."""
    if pt.is_boolean(array.type):
        array = array.cast(pa.uint8())
        return _view_numbers(array).view(np.bool_)
    dtype = np.dtype(array.type.to_pandas_dtype())
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(len(array), dtype)
    return np.frombuffer(buffer, dtype, len(array), array.offset * dtype.itemsize)


def split_texts(array: pa.Array, most: int) -> Iterator[pa.Array]:
    """Yields the texts of an array as arrays of bounded size, of type string or large_string.

    Args:
        array: Texts, or numbers, dates or booleans, which are written as text.
        most: Upper bound on the bytes of all texts together.

    Raises:
        OverflowError: The texts have more than `most` bytes.
    """
    if pt.is_dictionary(array.type) and not is_text(array.type.value_type):
        array = array.dictionary_decode()
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pt.is_dictionary(array.type):
        yield from _split_repeated(array, most)
    elif pt.is_string_view(array.type):
        for part in _split(array, _read_view_lengths(array), most):
            yield part.cast(pa.large_string())
    elif pt.is_string(array.type) or pt.is_large_string(array.type):
        offsets = _view_offsets(array)
        is_large = int(offsets[-1]) - int(offsets[0]) > LARGE_BYTES
        yield from _split(array, np.diff(offsets), most) if is_large else [array]
    else:
        yield _write_texts(array)


def _write_texts(array: pa.Array) -> pa.Array:
    """Writes numbers, booleans, dates and times as text, times without a fraction of zeros."""
    if pt.is_float16(array.type):
        array = array.cast(pa.float32())  # Arrow writes no float16 as text
    texts = array.cast(pa.string())
    if not is_time(array.type):
        return texts
    return pc.replace_substring_regex(texts, r"\.0+([Z+-].*)?$", r"\1")


def _split_repeated(array: pa.Array, most: int) -> Iterator[pa.Array]:
    """Yields the texts of a dictionary array, which may be much larger than the array."""
    words = array.dictionary
    if pt.is_string_view(words.type):
        words = words.cast(pa.large_string())
    sizes = np.diff(_view_offsets(words)) if len(words) else np.zeros(1, np.int64)
    missing = find_missing(array)
    indices = pc.fill_null(array.indices, 0).to_numpy(zero_copy_only=False)
    lengths = sizes[indices] if missing is None else np.where(missing, 0, sizes[indices])
    for part in _split(array, lengths, most):
        yield words.take(part.indices)


def _split(array: pa.Array, lengths: Array, most: int) -> Iterator[pa.Array]:
    """Splits an array into slices whose texts have about `TEXT_BLOCK_BYTES`."""
    ends = np.cumsum(lengths, dtype=np.int64)
    total = int(ends[-1]) if ends.size else 0
    if total > most:
        raise OverflowError
    start = 0
    while start < len(array):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + TEXT_BLOCK_BYTES, "right"))
        stop = min(max(stop, start + 1), len(array))
        yield array.slice(start, stop - start)
        start = stop


def _read_view_lengths(array: pa.Array) -> Array:
    missing = find_missing(array)
    views = np.frombuffer(array.buffers()[1], np.int32).reshape(-1, 4)
    lengths: Array = views[array.offset : array.offset + len(array), 0].astype(np.int64)
    return lengths if missing is None else np.where(missing, 0, lengths)


def view_texts(array: pa.Array) -> Texts:
    """Returns the buffers of an array of type string or large_string."""
    missing = find_missing(array)
    offsets = _view_offsets(array)
    lengths = np.diff(offsets)
    if missing is not None and lengths[missing].any():
        return view_texts(pc.fill_null(array, ""))._replace(missing=missing)
    buffer = array.buffers()[2]
    data = np.empty(0, np.uint8) if buffer is None else np.frombuffer(buffer, np.uint8)
    return Texts(lengths, data[int(offsets[0]) : int(offsets[-1])], missing)


def _view_offsets(array: pa.Array) -> Array:
    dtype = np.dtype(np.int64 if pt.is_large_string(array.type) else np.int32)
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(len(array) + 1, dtype)
    return np.frombuffer(buffer, dtype, len(array) + 1, array.offset * dtype.itemsize)


def count_texts(array: pa.Array) -> dict[str, int] | None:
    """Returns the distinct texts with the number of each.

    Returns None if almost all are distinct, or if the array holds no texts, damaged or very long
    ones.
    """
    kind = array.type.value_type if pt.is_dictionary(array.type) else array.type
    if not (pt.is_string(kind) or pt.is_large_string(kind)):
        return None
    if _has_long_texts(array.dictionary if pt.is_dictionary(array.type) else array):
        return None
    if len(array.slice(0, SAMPLE).unique()) > SAMPLE // 2:
        return None
    texts, counts = _count_indices(array) if pt.is_dictionary(array.type) else _count_plain(array)
    found: Counter[str] = Counter()
    try:
        decoded = texts.to_numpy(zero_copy_only=False)  # much faster than `to_pylist`
    except pa.ArrowException:  # a text is not UTF-8
        return None
    for text, count in zip(decoded, counts.tolist(), strict=True):
        if text is not None:
            found[text] += count  # a dictionary may have a text twice
    return found


def _count_plain(array: pa.Array) -> tuple[pa.Array, Array]:
    """Returns the distinct texts, and the number of each."""
    counts = array.value_counts()
    return counts.field("values"), counts.field("counts").to_numpy()


def _count_indices(array: pa.DictionaryArray) -> tuple[pa.Array, Array]:
    """Returns the texts of a dictionary that occur, and the number of each."""
    indices = array.indices.drop_null().to_numpy()
    counts = np.bincount(indices.astype(np.intp, copy=False))
    present = counts.nonzero()[0]
    return array.dictionary.take(pa.array(present)), counts[present]


def _has_long_texts(array: pa.Array) -> bool:
    return len(array) > 0 and int(np.diff(_view_offsets(array)).max()) > TEXT_BLOCK_BYTES


def find_too_long(texts: Texts) -> int | None:
    """Returns the index of the first text that is too long; None if none is."""
    if texts.data.size <= MOST_TEXT_BYTES or int(texts.lengths.max()) <= MOST_TEXT_BYTES:
        return None
    return int((texts.lengths > MOST_TEXT_BYTES).argmax())


def check_utf8(texts: Texts) -> int | None:
    """Returns the index of the first text that is not UTF-8; None if all are."""
    if not texts.data.size or int(texts.data.max()) < 0x80:
        return None
    ends = np.cumsum(texts.lengths, dtype=np.int64)
    starts = (ends - texts.lengths)[texts.lengths > 0]
    begins_within = (texts.data[starts] & 0xC0) == 0x80
    if (wrong := _find_invalid(texts.data)) is not None:
        return int(np.searchsorted(ends, wrong, "right"))
    if begins_within.any():  # a character is divided between two texts
        return int(np.searchsorted(ends, starts[begins_within.argmax()], "right")) - 1
    return None


def _find_invalid(data: Array) -> int | None:
    """Returns the place of the first byte that is not UTF-8, decoding a part at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, data.size, TEXT_BLOCK_BYTES):
        pending = len(decoder.getstate()[0])
        is_last = start + TEXT_BLOCK_BYTES >= data.size
        try:
            decoder.decode(data[start : start + TEXT_BLOCK_BYTES].tobytes(), is_last)
        except UnicodeDecodeError as error:
            return start - pending + error.start
    return None
