"""Where a thing belongs that stands in the wrong place, and what belongs where it stands."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from domain.errors import clip, did_you_mean

_LAYER = 'a layer used once is an object: {"type": "Dense", "config": {"units": 3}}'
_INPUTS = "a reference, a list of references, or an object of call arguments to references"
_SHAPE = "Sizes are 1 or more, or null where unknown; the batch axis is left out of `shape`."
_MISPLACED: Mapping[tuple[str, str], str] = {
    ("<layer>", "config"): f"It belongs inside `layer`: a text names a shared layer, {_LAYER}.",
    ("<layer>", "training"): "Constants of the call belong under `call`.",
    ("<layer>", "*"): "A layer's arguments belong under its `config`, its call's under `call`.",
    ("<op>", "call"): "The constants of an op belong under `config`.",
    ("<op>", "*"): "The constants of an op belong under `config`.",
    ("<component>", "*"): "Its arguments belong under its `config`.",
    ("<Keras>", "class_name"): "The layer's type is called `type` here.",
    ("<Keras>", "*"): "A layer's arguments belong under its `config`.",
    ("<Graph>", "*"): "A Graph layer has a `graph`, inline or by id, and no config.",
    ("<Model>", "*"): "A Model layer has a `model` by its id, perhaps `trainable`, and no config.",
    ("inputs#", "batch_shape"): "Give `shape`, which leaves the batch axis out.",
    ("inputs#", "batch_size"): "Give `shape`, which leaves the batch axis out.",
}
"""Of fields that are not there, by what they stand in; `*` is any other field."""
_WANTED: Mapping[tuple[str, str], str] = {
    ("inputs", "<object>"): f"`inputs` must be {_INPUTS}.",
    ("inputs", "#"): 'An input must be an object: {"name": "x", "shape": [3]}.',
    ("layer", "<object>"): f"`layer` must be the name of a shared layer, or an object; {_LAYER}.",
    ("<object>", "<Keras>"): f"A layer must be the name of a shared one, or an object; {_LAYER}.",
    ("definition", "inputs"): '`inputs` must be a list: [{"name": "x", "shape": [3]}].',
    ("definition", "outputs"): '`outputs` must be a list: ["node", {"name": "x", "from": "node"}].',
    ("definition", "layers"): "`layers` must be an object of names to shared layers.",
    ("shape", "#"): _SHAPE,
    ("inputs#", "shape"): f"`shape` must be a list, e.g. [28, 28]. {_SHAPE}",
}
"""Of values that are none of those wanted, by the last two steps to their place."""
_OF_NO_VALUE = frozenset({"missing", "too_short", "too_long"})
"""Errors that are not about a value's type."""
_OF_TYPE = {
    "missing": "This field is required.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "list_type": "This must be a list.",
    "string_type": "This must be text.",
}


def describe_error(error: Mapping[str, Any], fields: Collection[str] = ()) -> str:
    """One of pydantic's errors in our words, with a hint where one is known.

    Args:
        error: With its `type`, `loc` and `msg`.
        fields: Those that the object has which the error is about.
    """
    kind, steps = error["type"], list(_steps(error["loc"]))
    within, name = steps[-2:] if len(steps) > 1 else ("", steps[-1])
    if kind == "extra_forbidden":
        return f"There is no field '{clip(name)}' here.{_placed(within, name, fields)}"
    wanted = None if kind in _OF_NO_VALUE else _WANTED.get((within, name))
    text: str = error["msg"].removeprefix("Value error, ")
    return wanted or _OF_TYPE.get(kind) or f"{text[:1].upper()}{text[1:]}."


def _steps(location: Any) -> Iterator[str]:
    """The items of a list are one step: `inputs#`, or `#` where it is the last."""
    tokens = list(location)
    for i, token in enumerate(tokens):
        is_last = i == len(tokens) - 1
        if isinstance(token, int):
            if is_last:
                yield "#"
        elif not is_last and isinstance(tokens[i + 1], int) and i + 2 < len(tokens):
            yield f"{token}#"
        else:
            yield str(token)


def _placed(within: str, name: str, fields: Collection[str]) -> str:
    near = did_you_mean(name, fields)
    exact = _MISPLACED.get((within, name))
    general = None if near else _MISPLACED.get((within, "*"))
    hint = exact or general
    if hint:
        return f" {hint}"
    listed = f" There are {', '.join(f'`{field}`' for field in fields)}." if fields else ""
    return near or listed
