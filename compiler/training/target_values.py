"""Finds the target values that a loss or metric takes as they are meant."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from compiler.training.targets import Pair, get_config, name_component
from domain.job.recipe import NameOrComponent
from domain.job.targets import ValueRange, simplify_name


class _Rule(NamedTuple):
    """The values of a loss or metric, and what happens to others."""

    low: float | None
    high: float | None
    meaning: str


_POSITIVE = "every value other than 0 counts as positive"
_RULES = {
    **dict.fromkeys(
        ("hinge", "squaredhinge"),
        _Rule(-1, 1, "it is for -1 and 1, or 0 and 1"),
    ),
    "categoricalhinge": _Rule(0, 1, "it is for one-hot targets"),
    **dict.fromkeys(("dice", "tversky"), _Rule(0, 1, "it compares shares of classes")),
    **dict.fromkeys(
        ("kldivergence", "kld"),
        _Rule(0, 1, "Keras clips other values"),
    ),
    "poisson": _Rule(0, None, "it is for counts"),
    **dict.fromkeys(
        ("meansquaredlogarithmicerror", "msle"),
        _Rule(0, None, "Keras takes lower values as 0"),
    ),
    "binaryaccuracy": _Rule(0, 1, "no other value equals a prediction, which counts as 0 or 1"),
    **dict.fromkeys(
        (
            "precision", "recall", "auc", "truepositives", "truenegatives", "falsepositives",
            "falsenegatives", "sensitivityatspecificity", "specificityatsensitivity",
            "precisionatrecall", "recallatprecision",
        ),
        _Rule(0, 1, _POSITIVE),
    ),
    **dict.fromkeys(("f1score", "fbetascore"), _Rule(0, 1, "it is for targets of 0 and 1")),
    "binaryiou": _Rule(0, 1, "it leaves other values out"),
}  # fmt: skip
_PERCENTAGES = ("meanabsolutepercentageerror", "mape")
_UNIONS = ("iou", "meaniou")
"""Metrics on the intersection and the union of classes, which take class indices."""


def find_value_range(spec: NameOrComponent, pair: Pair) -> Iterator[ValueRange]:
    """Find the target values that a loss or metric takes as they are meant.

    Args:
        spec: A loss or metric that fits the pair.
        pair: The output and its target.
    """
    name = name_component(spec, pair)
    plain = simplify_name(name)
    config = get_config(spec)
    if plain in _RULES:
        low, high, meaning = _RULES[plain]
        yield ValueRange(name=name, low=low, high=high, meaning=meaning)
    elif plain in _PERCENTAGES:
        meaning = "a difference from 0 is divided by 0.0000001"
        yield ValueRange(name=name, takes_zero=False, meaning=meaning)
    elif plain in _UNIONS:
        yield from _find_classes(name, config)
    elif plain == "ctc" and pair.row[-1:] not in ([], [None]):
        meaning = "0 is the blank, which fills the end of a row"
        high = (pair.row[-1] or 1) - 1
        yield ValueRange(name=name, low=0, high=high, meaning=meaning, is_needed=True)


def _find_classes(name: str, config: Mapping[str, Any]) -> Iterator[ValueRange]:
    classes = config.get("num_classes")
    if isinstance(classes, int) and config.get("ignore_class") is None:
        meaning = "it leaves other classes out"
        yield ValueRange(name=name, low=0, high=classes - 1, meaning=meaning)
