"""Descriptions from Keras's docstrings: of classes, their arguments and their calls' arguments."""

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import keras

_CLASSES = {"CustomScaleLayer": "Adds to its first input the second one, scaled."}
_ARGUMENTS_WITHOUT_TEXT = {
    "antialias": "Whether to smooth the image before it is made smaller.",
    "activity_regularizer": "Regularizer of the layer's output.",
    "axis": "The axes of the batch along which values are summed. Left out: all of them.",
    "ignore_class": "The class index of targets that do not count. Left out: all count.",
    "autocast": "Whether floating-point inputs are cast to the layer's compute dtype.",
    "bounding_box_format": "How bounding boxes are written; of no effect without boxes.",
    "data_format": "Whether the channels' axis is the last or the first after the batch's. "
    "Left out: the last.",
    "dtype": "The dtype of computations and weights: a dtype's name, or a mixed policy's. "
    "Left out: float32.",
    "fill_value": "The value of what is filled in.",
    "layers": "The layers, each called with what the one before gives.",
    "mask_value": "The value whose timesteps are masked.",
    "scale": "The factor.",
    "seed": "Seed of the random draws. Left out: drawn from the job's own seed.",
    "trainable": "Whether training changes the layer's weights.",
    "value_range": "The least and the largest value that pixels have.",
    "zero_output_for_mask": "Whether the output is zero for masked timesteps.",
}
_REPLACED_OF_CLASS = {
    "Constant": {"value": "A number, or an array of the weight's own shape."},
}
_REPLACED = {
    "vocabulary": "The terms in the order of their indices, written out; no file is read.",
}
_SECTION = re.compile(r"^( *)(?:Args|Arguments): *$", re.MULTILINE)
_CALL_SECTION = re.compile(r"^( *)Call arguments?: *$", re.MULTILINE | re.IGNORECASE)
_ARGUMENT = re.compile(r"( *)\*{0,2}(\w+)(?: \([^)]*\))?: ?(.*)")


def summary_of(cls: Any) -> str:
    """The first paragraph of a docstring, on one line."""
    first = inspect.cleandoc(cls.__doc__ or _CLASSES.get(cls.__name__, ""))
    return " ".join(first.split("\n\n")[0].split())


def source_of(cls: Any) -> str:
    """The URL of the source file in this version of Keras, which has the full docstring."""
    path = cls.__module__.replace(".", "/")
    return f"https://github.com/keras-team/keras/blob/v{keras.__version__}/{path}.py"


@cache
def describe_arguments(cls: Any) -> Mapping[str, str]:
    """Describe each argument of a class on one line, if needed from a base class's docstring."""
    found = dict(_ARGUMENTS_WITHOUT_TEXT)
    if issubclass(cls, keras.optimizers.Optimizer):  # some docstrings lack what all of them share
        found |= _entries(keras.optimizers.Adam.__doc__ or "", _SECTION)
    for base in reversed(cls.__mro__):
        found |= _entries(base.__doc__ or "", _SECTION)
    return found | _REPLACED | _REPLACED_OF_CLASS.get(cls.__name__, {})


def describe_parameters(function: Any) -> Mapping[str, str]:
    """Describe each parameter of a function."""
    return _entries(function.__doc__ or "", _SECTION)


@cache
def describe_call_arguments(cls: Any) -> Mapping[str, str]:
    """Describe each argument of a layer's call."""
    found = _entries(cls.__doc__ or "", _CALL_SECTION)
    return {"sequences": found["inputs"], **found} if "inputs" in found else found


def _entries(docstring: str, heading: re.Pattern[str]) -> dict[str, str]:
    """The entries of one section of a docstring, by name."""
    text = inspect.cleandoc(docstring)
    found = heading.search(text)
    if found is None:
        return {}
    entries: dict[str, list[str]] = {}
    depth = None
    for line in _indented(text[found.end() :], len(found[1])):
        entry = _ARGUMENT.fullmatch(line)
        if entry and (
            depth is None or len(entry[1]) <= depth + 1
        ):  # Keras's indentation varies by one
            depth = len(entry[1]) if depth is None else depth
            entries[entry[2]] = [entry[3]]
        elif entries:
            entries[next(reversed(entries))].append(line)
    return {name: " ".join(" ".join(lines).split()) for name, lines in entries.items()}


def _indented(text: str, depth: int) -> Iterator[str]:
    """The lines before the next line that is not indented deeper than the heading."""
    for line in text.splitlines():
        if line.strip() and len(line) - len(line.lstrip()) <= depth:
            return
        yield line
