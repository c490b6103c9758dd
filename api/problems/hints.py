"""Describes the errors of pydantic, with a hint for fields and values in the wrong place."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from domain.errors import clip, did_you_mean

_LAYER = 'a layer used once is an object: {"type": "Dense", "config": {"units": 3}}'
_INPUTS = "a reference, a list of references, or an object of call arguments to references"
_SHAPE = "Each size is 1 or more, or null if it is unknown; the batch axis is left out of `shape`."
_MISPLACED: Mapping[tuple[str, str], str] = {
    ("<layer>", "config"): f"It belongs inside `layer`: a string names a shared layer, {_LAYER}.",
    ("<layer>", "training"): "Constants of the call belong under `call`.",
    (
        "<layer>",
        "*",
    ): "The arguments of a layer belong under its `config`, those of its call under `call`.",
    ("<op>", "call"): "The constants of an op belong under `config`.",
    ("<op>", "*"): "The constants of an op belong under `config`.",
    ("<component>", "*"): "Its arguments belong under its `config`.",
    ("<Keras>", "class_name"): "The layer's type is called `type` here.",
    ("<Keras>", "*"): "A layer's arguments belong under its `config`.",
    ("<Graph>", "*"): "A Graph layer has a `graph`, inline or by id, and no `config`.",
    (
        "<Model>",
        "*",
    ): "A Model layer has a `model` by its id, an optional `trainable`, and no `config`.",
    ("inputs#", "batch_shape"): "Give `shape`, without the batch axis.",
    ("inputs#", "batch_size"): "Give `shape`, without the batch axis.",
    ("compile", "learning_rate"): 'It belongs to the optimizer: {"type": "Adam", "config": '
    '{"learning_rate": 0.01}}.',
    ("fit", "sample_weight"): "Sample weights are columns, named by `sample_weights` of `feed`.",
    ("fit", "validation_data"): "It is a dataset: `validation_dataset` beside `fit`.",
    ("fit", "x"): "The data are the `dataset` beside `fit`, and `feed` names the columns.",
    ("fit", "y"): "The data are the `dataset` beside `fit`, and `feed` names the columns.",
}
"""Hints for unknown fields, by the enclosing object and the field; `*` is any other field."""
_DATASET = "must be the id of a dataset, or the body of `POST /v1/datasets`, an object."
_EXPECTED: Mapping[tuple[str, str], str] = {
    ("dataset", "<object>"): f"`dataset` {_DATASET}",
    ("validation_dataset", "<object>"): f"`validation_dataset` {_DATASET}",
    ("inputs", "<object>"): f"`inputs` must be {_INPUTS}.",
    ("inputs", "#"): 'An input must be an object: {"name": "x", "shape": [3]}.',
    ("layer", "<object>"): f"`layer` must be the name of a shared layer, or an object; {_LAYER}.",
    ("<object>", "<Keras>"): f"A layer must be the name of a shared layer, or an object; {_LAYER}.",
    ("definition", "inputs"): '`inputs` must be a list: [{"name": "x", "shape": [3]}].',
    ("definition", "outputs"): '`outputs` must be a list: ["node", {"name": "x", "from": "node"}].',
    ("definition", "layers"): "`layers` must be an object of names to shared layers.",
    ("shape", "#"): _SHAPE,
    ("inputs#", "shape"): f"`shape` must be a list, e.g. [28, 28]. {_SHAPE}",
}
"""Messages for values of a wrong type, by the last two steps of their location."""
_NOT_ABOUT_TYPE = frozenset({"missing", "too_short", "too_long"})
"""Types of errors that do not concern the type of a value."""
_BY_ERROR_TYPE = {
    "missing": "This field is required.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "list_type": "This must be a list.",
    "string_type": "This must be a string.",
}


def describe_error(error: Mapping[str, Any], fields: Collection[str] = ()) -> str:
    """Returns the message for an error of pydantic, with a hint if there is one.

    Args:
        error: The error, with its `type`, `loc` and `msg`.
        fields: The fields of the object that the error concerns.
    """
    kind, steps = error["type"], list(_list_steps(error["loc"]))
    within, name = steps[-2:] if len(steps) > 1 else ("", steps[-1])
    if kind == "extra_forbidden":
        return f"There is no field '{clip(name)}' here.{_hint_at_place(within, name, fields)}"
    expected = None if kind in _NOT_ABOUT_TYPE else _EXPECTED.get((within, name))
    text: str = error["msg"].removeprefix("Value error, ")
    return expected or _BY_ERROR_TYPE.get(kind) or f"{text[:1].upper()}{text[1:]}."


def _list_steps(location: Any) -> Iterator[str]:
    """Yields the steps of a location; an index becomes `inputs#`, or `#` as the last step."""
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


def _hint_at_place(within: str, name: str, fields: Collection[str]) -> str:
    near = did_you_mean(name, fields)
    exact = _MISPLACED.get((within, name))
    general = None if near else _MISPLACED.get((within, "*"))
    hint = exact or general
    if hint:
        return f" {hint}"
    listed = f" There are {', '.join(f'`{field}`' for field in fields)}." if fields else ""
    return near or listed
