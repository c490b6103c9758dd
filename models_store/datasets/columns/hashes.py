"""Hashes of numbers and texts, for counting distinct values."""

from hashlib import blake2b
from typing import Any

import numpy as np

from models_store.datasets.columns.npy import Array

LONGEST_VECTORISED = 256
"""Bytes of a text up to which the texts of a block are hashed together, word by word."""
_WORD = 8
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_MASKS = np.array([2 ** (8 * count) - 1 for count in range(_WORD)] + [2**64 - 1], np.uint64)
"""The mask of the first bytes of a word, by their number."""


def hash_numbers(values: Array) -> Array:
    """Hashes numbers to uint64; equal numbers have equal hashes."""
    return _mix(_to_bits(values))


def _to_bits(values: Array) -> "np.ndarray[Any, np.dtype[np.uint64]]":
    """Returns a new array of the bits of the numbers."""
    if values.dtype.kind == "f":
        return (values.astype(np.float64, copy=False) + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    return values.astype(np.int64 if values.dtype.kind == "i" else np.uint64).view(np.uint64)


def _mix(hashes: Array) -> Array:
    """Hashes uint64 in place by the finalizer of SplitMix64 (Steele et al., 2014)."""
    shifted = np.empty_like(hashes)
    with np.errstate(over="ignore"):
        hashes += _GOLDEN
        for shift, factor in ((30, _FIRST), (27, _SECOND)):
            np.right_shift(hashes, np.uint64(shift), out=shifted)
            hashes ^= shifted
            hashes *= factor
        np.right_shift(hashes, np.uint64(31), out=shifted)
        hashes ^= shifted
    return hashes


_LENGTH_HASHES = _mix(np.arange(LONGEST_VECTORISED + 1, dtype=np.uint64))
"""The hashes of usual lengths of a text."""


def hash_texts(lengths: Array, data: Array) -> Array:
    """Hashes texts to uint64; equal texts have equal hashes.

    Args:
        lengths: The number of bytes of each text.
        data: The bytes of all texts.
    """
    lengths = lengths.astype(np.int64, copy=False)
    starts = np.cumsum(lengths) - lengths
    is_long = lengths > LONGEST_VECTORISED
    if is_long.any():
        hashes = _mix(lengths.astype(np.uint64))  # else '' and '\x01' would be 0 both
        _hash_words(hashes, np.where(is_long, 0, lengths), starts, data)
        for index in is_long.nonzero()[0]:
            text = data[starts[index] : starts[index] + lengths[index]]
            digest = blake2b(text.data, digest_size=_WORD).digest()
            hashes[index] = int.from_bytes(digest, "little")
    else:
        hashes = _LENGTH_HASHES[lengths]
        _hash_words(hashes, lengths, starts, data)
    return _mix(hashes)


def _hash_words(hashes: Array, lengths: Array, starts: Array, data: Array) -> None:
    """Mixes the words of each text into its hash, in place."""
    longest = int(lengths.max(initial=0))
    padded = np.concatenate([data, np.zeros(_WORD, np.uint8)])
    words: Array = np.ndarray(len(data) + 1, np.dtype("<u8"), padded, strides=(1,))
    hashes ^= words[starts] & _MASKS[np.minimum(lengths, _WORD)]
    _mix(hashes)
    for offset in range(_WORD, longest, _WORD):
        chosen = (lengths > offset).nonzero()[0]
        rest = np.minimum(lengths[chosen] - offset, _WORD)
        word = words[starts[chosen] + offset] & _MASKS[rest]
        hashes[chosen] = _mix(hashes[chosen] ^ word)
