"""What Keras's docstrings say of a class, of its arguments and of its call's."""

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import keras

_UNSAID_OF_CLASSES = {"CustomScaleLayer": "Adds to its first input the second one, scaled."}
_UNSAID_OF_ARGUMENTS = {
    "antialias": "Whether to smooth the picture before it is made smaller.",
    "activity_regularizer": "Regularizer of the layer's output.",
    "autocast": "Whether floating-point inputs are cast to the layer's compute dtype.",
    "bounding_box_format": "How bounding boxes are written; of no effect on pictures alone.",
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
_SAID_OTHERWISE = {
    "vocabulary": "The terms in the order of their indices, written out; no file is read.",
}
_SECTION = re.compile(r"^( *)(?:Args|Arguments): *$", re.MULTILINE)
_CALL_SECTION = re.compile(r"^( *)Call arguments?: *$", re.MULTILINE | re.IGNORECASE)
_ARGUMENT = re.compile(r"( *)\*{0,2}(\w+)(?: \([^)]*\))?: ?(.*)")


def summary_of(cls: Any) -> str:
    """The first paragraph of its docstring, on one line."""
    first = inspect.cleandoc(cls.__doc__ or _UNSAID_OF_CLASSES.get(cls.__name__, ""))
    return " ".join(first.split("\n\n")[0].split())


def source_of(cls: Any) -> str:
    """Where this version of Keras keeps its code and its whole docstring."""
    path = cls.__module__.replace(".", "/")
    return f"https://github.com/keras-team/keras/blob/v{keras.__version__}/{path}.py"


@cache
def arguments_said(cls: Any) -> Mapping[str, str]:
    """What it says of each argument, on one line; its bases speak where it is silent."""
    said = dict(_UNSAID_OF_ARGUMENTS)
    for base in reversed(cls.__mro__):
        said |= _entries(base.__doc__ or "", _SECTION)
    return said | _SAID_OTHERWISE


def parameters_said(function: Any) -> Mapping[str, str]:
    """What the docstring of a function says of each parameter."""
    return _entries(function.__doc__ or "", _SECTION)


@cache
def call_arguments_said(cls: Any) -> Mapping[str, str]:
    """What it says of each argument of its call."""
    said = _entries(cls.__doc__ or "", _CALL_SECTION)
    return {"sequences": said["inputs"], **said} if "inputs" in said else said


def _entries(docstring: str, heading: re.Pattern[str]) -> dict[str, str]:
    """The entries of one section, by name."""
    text = inspect.cleandoc(docstring)
    found = heading.search(text)
    if found is None:
        return {}
    entries: dict[str, list[str]] = {}
    depth = None
    for line in _indented(text[found.end() :], len(found[1])):
        entry = _ARGUMENT.fullmatch(line)
        if entry and (depth is None or len(entry[1]) <= depth + 1):  # Keras slips by one at times
            depth = len(entry[1]) if depth is None else depth
            entries[entry[2]] = [entry[3]]
        elif entries:
            entries[next(reversed(entries))].append(line)
    return {name: " ".join(" ".join(lines).split()) for name, lines in entries.items()}


def _indented(text: str, depth: int) -> Iterator[str]:
    """The lines up to the next one that is indented no deeper than the heading."""
    for line in text.splitlines():
        if line.strip() and len(line) - len(line.lstrip()) <= depth:
            return
        yield line
