"""Layers with one input that wrap no other layer."""

from collections.abc import Callable, Mapping
from math import prod

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
    known_of_rank,
    last,
    of_rank,
    options,
    rank_and_last,
    same,
    width,
)

_initializers = st.sampled_from(
    [
        "he_normal",
        {"type": "RandomNormal", "config": {"stddev": 0.5}},
        {"type": "Orthogonal", "config": {}},
        {"type": "RandomUniform", "config": {"minval": -1.0, "maxval": 1.0, "seed": 3}},
    ]
)
FROZEN = st.just(False)
RATES = st.sampled_from([0.1, 0.5])
_activations = st.sampled_from(["linear", "relu", "tanh", "sigmoid", "gelu"])

_dense = options(
    units=WIDTHS,
    activation=_activations,
    use_bias=FLAGS,
    kernel_initializer=_initializers,
    bias_initializer=st.just("random_normal"),
    kernel_regularizer=st.just({"type": "L2", "config": {"l2": 0.01}}),
    trainable=FROZEN,
)
_pool = options(pool_size=st.just(2), padding=st.just("same"))
_conv = options(
    filters=WIDTHS,
    kernel_size=st.sampled_from([1, 2]),
    padding=st.just("same"),
    use_bias=FLAGS,
    trainable=FROZEN,
)


def _pointwise() -> list[Kind]:
    kinds = {
        "Activation": options(activation=_activations),
        "LeakyReLU": options(negative_slope=st.just(0.2)),
        "ReLU": options(max_value=st.just(0.5)),
        "Softmax": options(),
        "UnitNormalization": options(),
        "Dropout": options(rate=RATES, seed=st.just(5)),
        "GaussianNoise": options(stddev=st.just(0.5)),
        "Rescaling": options(scale=st.just(0.5), offset=st.just(0.25)),
        "ActivityRegularization": options(l2=st.just(0.1)),
    }
    needed: Mapping[str, Config] = {"GaussianNoise": {"stddev": 0.5}, "Rescaling": {"scale": 2.0}}
    return [
        Kind(name, has_axes, _with(config, needed.get(name, {})), same, last)
        for name, config in kinds.items()
    ]


def _with(config: Callable[[Draw, Shape], Config], more: Config) -> Callable[[Draw, Shape], Config]:
    return lambda draw, shape: more | config(draw, shape)


def _reshaped(draw: Draw, shape: Shape) -> Config:
    size = prod(n for n in shape if n)
    target = draw(st.sampled_from([[size], [-1], [1, size], [*reversed(shape)]]))
    return {"target_shape": target}


def _reshape_result(config: Config, shape: Shape) -> Shape:
    size = prod(n for n in shape if n)
    return tuple(size if n == -1 else n for n in config["target_shape"])


def _permuted(draw: Draw, shape: Shape) -> Config:
    return {"dims": draw(st.permutations(range(1, len(shape) + 1)))}


def _halved(_: Config, shape: Shape) -> Shape:
    return (*(-(-(n or 0) // 2) for n in shape[:-1]), shape[-1])


def _longer(by: Callable[[int], int]) -> Callable[[Config, Shape], Shape]:
    return lambda _, shape: (by(shape[0] or 0), *shape[1:])


def _short_sequence(shape: Shape) -> bool:
    return of_rank(2)(shape) and 2 <= (shape[0] or 0) <= 4


def _pooled(_: Config, shape: Shape) -> Shape:
    return shape[-1:]


DENSE = Kind("Dense", has_axes, _dense, width("units"), last)
PLAIN = [
    DENSE,
    Kind(
        "EinsumDense",
        of_rank(2),
        lambda draw, shape: {
            "equation": "abc,cd->abd",
            "output_shape": [shape[0], draw(WIDTHS)],
            "bias_axes": "d",
        },
        lambda config, _: tuple(config["output_shape"]),
    ),
    *_pointwise(),
    Kind("PReLU", is_known, options(), same),
    Kind("LayerNormalization", has_axes, options(epsilon=st.just(0.1)), same, last),
    Kind("RMSNormalization", has_axes, options(), same, last),
    Kind("GroupNormalization", of_rank(2, 3), lambda *_: {"groups": 1}, same, rank_and_last),
    Kind(
        "BatchNormalization",
        has_axes,
        options(momentum=st.just(0.5), scale=FLAGS, trainable=FROZEN),
        same,
        rank_and_last,
    ),
    Kind("Flatten", is_known, options(), lambda _, shape: (prod(n for n in shape if n),)),
    Kind("Reshape", is_known, _reshaped, _reshape_result),
    Kind(
        "Permute",
        lambda shape: is_known(shape) and len(shape) in (2, 3),
        _permuted,
        lambda config, shape: tuple(shape[i - 1] for i in config["dims"]),
    ),
    Kind("RepeatVector", of_rank(1), lambda *_: {"n": 2}, lambda _, shape: (2, *shape)),
    Kind("Conv1D", of_rank(2), _conv, width("filters"), rank_and_last),
    Kind("SeparableConv1D", of_rank(2), _conv, width("filters"), rank_and_last),
    Kind("Conv1DTranspose", of_rank(2), _conv, width("filters"), rank_and_last),
    Kind("Conv2D", of_rank(3), _conv, width("filters"), rank_and_last),
    Kind("MaxPooling1D", known_of_rank(2), _pool, _halved, len),
    Kind("AveragePooling2D", known_of_rank(3), _pool, _halved, len),
    Kind("GlobalAveragePooling1D", of_rank(2), options(), _pooled, len),
    Kind("GlobalMaxPooling1D", of_rank(2), options(), _pooled, len),
    Kind("GlobalAveragePooling2D", of_rank(3), options(), _pooled, len),
    Kind("UpSampling1D", _short_sequence, options(), _longer(lambda n: 2 * n), len),
    Kind("ZeroPadding1D", _short_sequence, options(), _longer(lambda n: n + 2), len),
    Kind("Cropping1D", _short_sequence, lambda *_: {"cropping": [1, 0]}, _longer(lambda n: n - 1)),
]
"""Layers that wrap no other layer."""
