"""The functions of `keras.ops` that take one tensor and constants."""

from math import prod

from hypothesis import strategies as st

from tests.compiler.random_graphs.layers.kinds import (
    Config,
    Draw,
    Kind,
    Shape,
    has_axes,
    is_known,
    of_rank,
    options,
    same,
)


def _axis(draw: Draw, shape: Shape) -> Config:
    axis = draw(st.integers(1, len(shape)))
    return {"axis": draw(st.sampled_from([axis, axis - len(shape) - 1]))}


def _reduced(config: Config, shape: Shape) -> Shape:
    place = config["axis"] % (len(shape) + 1) - 1
    kept = (1,) if config.get("keepdims") else ()
    return (*shape[:place], *kept, *shape[place + 1 :])


def _reduction(draw: Draw, shape: Shape) -> Config:
    return _axis(draw, shape) | draw(st.sampled_from([{}, {"keepdims": True}]))


def _row(draw: Draw, shape: Shape) -> Config:
    numbers = [0.5 * i for i in range(shape[-1] or 0)]
    return {"x2": draw(st.sampled_from([2, 0.5, numbers, [numbers]]))}


def _shuffled(draw: Draw, shape: Shape) -> Config:
    return {"axes": [0, *draw(st.permutations(range(1, len(shape) + 1)))]}


FUNCTIONS = [
    *(Kind(name, has_axes, _reduction, _reduced) for name in ("mean", "sum", "max", "min")),
    *(Kind(name, has_axes, options(), same)
      for name in ("abs", "negative", "square", "relu", "sigmoid", "tanh", "silu")),
    *(Kind(name, of_rank(2), _row, same) for name in ("add", "multiply", "subtract", "maximum")),
    *(Kind(name, has_axes, _axis, same) for name in ("softmax", "cumsum", "flip")),
    Kind("logsumexp", has_axes, _reduction, _reduced),
    Kind("expand_dims", lambda s: len(s) < 3, lambda *_: {"axis": -1}, lambda _, s: (*s, 1)),
    Kind(
        "reshape",
        is_known,
        lambda _, shape: {"newshape": [-1, prod(n for n in shape if n)]},
        lambda config, _: (config["newshape"][-1],),
    ),
    Kind(
        "transpose",
        is_known,
        _shuffled,
        lambda config, shape: tuple(shape[i - 1] for i in config["axes"][1:]),
    ),
    Kind("clip", has_axes, lambda *_: {"x_min": -0.5, "x_max": 1.5}, same),
]  # fmt: skip
"""The functions of `keras.ops` that take one tensor and constants."""
