"""Recurrent layers, and layers that wrap others."""

from typing import Any

from hypothesis import strategies as st

from tests.compiler.random_graphs.layers.kinds import (
    FLAGS,
    WIDTHS,
    Config,
    Draw,
    Kind,
    Shape,
    has_axes,
    is_known,
    last,
    of_rank,
    options,
    rank_and_last,
)
from tests.compiler.random_graphs.layers.plain import DENSE, FROZEN, PLAIN, RATES

_recurrent = options(
    units=WIDTHS,
    return_sequences=FLAGS,
    go_backwards=FLAGS,
    dropout=RATES,
    use_bias=FLAGS,
    trainable=FROZEN,
)


def _recurrent_result(config: Config, shape: Shape) -> Shape:
    steps = shape[:-1] if config.get("return_sequences") else ()
    return (*steps, config["units"])


RECURRENT = [
    Kind(name, of_rank(2), _recurrent, _recurrent_result, rank_and_last)
    for name in ("SimpleRNN", "GRU", "LSTM")
]


def cell(draw: Draw) -> Config:
    return {
        "type": draw(st.sampled_from(["SimpleRNNCell", "GRUCell", "LSTMCell"])),
        "config": {"units": draw(WIDTHS)},
    }


def _cells(draw: Draw, _: Shape) -> Config:
    held: Any = draw(st.sampled_from(["one", "list", "stacked"]))
    cells = [cell(draw) for _ in range(1 if held == "one" else 2)]
    if held == "one":
        held = cells[0]
    else:
        held = cells if held == "list" else {"type": "StackedRNNCells", "config": {"cells": cells}}
    return {"cell": held, "return_sequences": draw(FLAGS)}


def _cells_result(config: Config, shape: Shape) -> Shape:
    held = config["cell"]
    if isinstance(held, dict):
        held = held["config"].get("cells", [held])
    return _recurrent_result({**config, "units": held[-1]["config"]["units"]}, shape)


def _both_ways(draw: Draw, shape: Shape) -> Config:
    forward = draw(st.sampled_from(RECURRENT)).layer(draw, shape)
    forward["config"] = {**forward["config"], "go_backwards": False}
    config = {"layer": forward, "merge_mode": draw(st.sampled_from(["concat", "sum", "ave"]))}
    if draw(FLAGS):
        kind = draw(st.sampled_from([k.type for k in RECURRENT]))
        same = ("units", "return_sequences")
        kept = {n: v for n, v in forward["config"].items() if n in same}
        config["backward_layer"] = {"type": kind, "config": {**kept, "go_backwards": True}}
    return config


def both_ways_result(config: Config, forward: Shape) -> Shape:
    wide = config.get("merge_mode", "concat") == "concat"
    return (*forward[:-1], (forward[-1] or 0) * (2 if wide else 1))


def _held_result(config: Config, shape: Shape) -> Shape:
    return result_of(config["layer"], shape)


def _steps(draw: Draw, shape: Shape) -> Config:
    fitting = [kind for kind in PLAIN if kind.fits(shape[1:])]
    return {"layer": draw(st.sampled_from(fitting)).layer(draw, shape[1:])}


TIME_DISTRIBUTED = Kind(
    "TimeDistributed",
    lambda shape: len(shape) >= 2 and is_known(shape) and (shape[0] or 0) <= 3,
    _steps,
    lambda config, shape: (shape[0], *_held_result(config, shape[1:])),
    lambda shape: shape[1:],
)
WRAPPERS = [
    Kind("RNN", of_rank(2), _cells, _cells_result, rank_and_last),
    Kind(
        "Bidirectional",
        of_rank(2),
        _both_ways,
        lambda config, shape: both_ways_result(config, _held_result(config, shape)),
        rank_and_last,
    ),
    Kind(
        "SpectralNormalization",
        has_axes,
        lambda draw, shape: {"layer": DENSE.layer(draw, shape)},
        _held_result,
        last,
    ),
    TIME_DISTRIBUTED,
]
LAYERS = {kind.type: kind for kind in [*PLAIN, *RECURRENT, *WRAPPERS]}


def result_of(layer: Config, shape: Shape) -> Shape:
    return LAYERS[layer["type"]].result(layer["config"], shape)
