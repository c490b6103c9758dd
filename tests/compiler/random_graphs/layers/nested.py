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
    cell_config: Any = draw(st.sampled_from(["one", "list", "stacked"]))
    cells = [cell(draw) for _ in range(1 if cell_config == "one" else 2)]
    if cell_config == "one":
        cell_config = cells[0]
    else:
        cell_config = (
            cells
            if cell_config == "list"
            else {"type": "StackedRNNCells", "config": {"cells": cells}}
        )
    return {"cell": cell_config, "return_sequences": draw(FLAGS)}


def _cells_result(config: Config, shape: Shape) -> Shape:
    cell_config = config["cell"]
    if isinstance(cell_config, dict):
        cell_config = cell_config["config"].get("cells", [cell_config])
    return _recurrent_result({**config, "units": cell_config[-1]["config"]["units"]}, shape)


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


def _wrapped_result(config: Config, shape: Shape) -> Shape:
    return result_of(config["layer"], shape)


def _steps(draw: Draw, shape: Shape) -> Config:
    fitting = [kind for kind in PLAIN if kind.fits(shape[1:])]
    return {"layer": draw(st.sampled_from(fitting)).layer(draw, shape[1:])}


TIME_DISTRIBUTED = Kind(
    "TimeDistributed",
    lambda shape: len(shape) >= 2 and is_known(shape) and (shape[0] or 0) <= 3,
    _steps,
    lambda config, shape: (shape[0], *_wrapped_result(config, shape[1:])),
    lambda shape: shape[1:],
)
WRAPPERS = [
    Kind("RNN", of_rank(2), _cells, _cells_result, rank_and_last),
    Kind(
        "Bidirectional",
        of_rank(2),
        _both_ways,
        lambda config, shape: both_ways_result(config, _wrapped_result(config, shape)),
        rank_and_last,
    ),
    Kind(
        "SpectralNormalization",
        has_axes,
        lambda draw, shape: {"layer": DENSE.layer(draw, shape)},
        _wrapped_result,
        last,
    ),
    TIME_DISTRIBUTED,
]
LAYERS = {kind.type: kind for kind in [*PLAIN, *RECURRENT, *WRAPPERS]}


def result_of(layer: Config, shape: Shape) -> Shape:
    return LAYERS[layer["type"]].result(layer["config"], shape)
