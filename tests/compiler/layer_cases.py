"""One example call of every layer of the catalogue, except aliases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keras import layers

from tests.compiler.graphs import layer

Shape = tuple[int | None, ...]
Inputs = Shape | list[Shape] | dict[str, Shape | list[Shape]]

IMAGE: Shape = (12, 10, 3)
VOLUME: Shape = (6, 7, 8, 2)
SEQUENCE: Shape = (7, 3)


@dataclass(frozen=True)
class Case:
    """A config, the tensors that the layer is called with, and the layer of a Keras script."""

    config: dict[str, Any]
    inputs: Inputs
    """A shape, a list of shapes, or these by argument of the call. Shapes have no batch axis."""
    dtype: str = "float32"
    call: dict[str, Any] = field(default_factory=dict)
    direct: Callable[[], Any] | None = None
    """Makes the layer as a Keras script does; None if that is `Type(**config)`."""

    @property
    def shapes(self) -> list[Shape]:
        """The shape of every tensor, in order."""
        found: list[Shape] = []
        self.fill(found.append)
        return found

    def fill(self, put: Callable[[Shape], Any]) -> Any:
        """Return the inputs with each shape replaced by the result of `put`."""

        def one(value: Shape | list[Shape]) -> Any:
            return put(value) if isinstance(value, tuple) else [put(shape) for shape in value]

        if isinstance(self.inputs, dict):
            return {name: one(value) for name, value in self.inputs.items()}
        return one(self.inputs)


def case(shape: Shape, **config: Any) -> Case:
    """Return the case of a layer that takes one float tensor."""
    return Case(config, shape)


def whole(shape: Shape, **config: Any) -> Case:
    """Return the case of a layer that takes one tensor of whole numbers."""
    return Case(config, shape, dtype="int32")


def merged(*shapes: Shape, **config: Any) -> Case:
    """Return the case of a layer that takes a list of float tensors."""
    return Case(config, list(shapes))


def wrapped(shape: Shape, direct: Callable[[], Any], **config: Any) -> Case:
    """Return the case of a layer that takes one float tensor and has layers as arguments."""
    return Case(config, shape, direct=direct)


_CORE = {
    "Dense": case(
        (5,),
        units=4,
        activation="relu",
        kernel_initializer={"class_name": "HeNormal", "config": {"seed": 3}},
        kernel_regularizer="l2",
        bias_constraint="non_neg",
    ),
    "EinsumDense": case((6, 5), equation="abc,cd->abd", output_shape=[None, 4], bias_axes="d"),
    "Embedding": whole((6,), input_dim=10, output_dim=4, mask_zero=True),
    "Identity": case((4,)),
    "Masking": case(SEQUENCE, mask_value=0.5),
    "ReversibleEmbedding": whole((6,), input_dim=10, output_dim=4, tie_weights=False),
}
_ACTIVATIONS = {
    "Activation": case((4,), activation="gelu"),
    "ELU": case((4,), alpha=0.5),
    "LeakyReLU": case((4,), negative_slope=0.1),
    "PReLU": case(IMAGE, shared_axes=[1, 2], alpha_initializer="ones"),
    "ReLU": case((4,), max_value=6, threshold=0.1),
    "Softmax": case((4, 5), axis=[1, 2]),
}
_CONVOLUTIONAL = {
    "Conv1D": case(SEQUENCE, filters=4, kernel_size=3, padding="causal", dilation_rate=2),
    "Conv1DTranspose": case(SEQUENCE, filters=4, kernel_size=3, strides=2, output_padding=1),
    "Conv2D": case(IMAGE, filters=6, kernel_size=[3, 2], strides=[2, 1], groups=3),
    "Conv2DTranspose": case(IMAGE, filters=4, kernel_size=3, strides=[2, 1], padding="same"),
    "Conv3D": case(VOLUME, filters=4, kernel_size=[1, 2, 3], use_bias=False),
    "Conv3DTranspose": case(VOLUME, filters=4, kernel_size=2, strides=2),
    "DepthwiseConv1D": case(SEQUENCE, kernel_size=3, depth_multiplier=2),
    "DepthwiseConv2D": case(IMAGE, kernel_size=3, padding="same", depth_multiplier=2),
    "SeparableConv1D": case(SEQUENCE, filters=4, kernel_size=[3], strides=2),
    "SeparableConv2D": case(IMAGE, filters=4, kernel_size=3, depth_multiplier=2),
}
_POOLING = {
    **{f"Adaptive{kind}Pooling1D": case(SEQUENCE, output_size=3) for kind in ("Average", "Max")},
    **{f"Adaptive{kind}Pooling2D": case(IMAGE, output_size=[4, 2]) for kind in ("Average", "Max")},
    **{f"Adaptive{kind}Pooling3D": case(VOLUME, output_size=2) for kind in ("Average", "Max")},
    **{f"{kind}Pooling1D": case(SEQUENCE, pool_size=2) for kind in ("Average", "Max")},
    **{
        f"{kind}Pooling2D": case(IMAGE, pool_size=[2, 3], strides=1, padding="same")
        for kind in ("Average", "Max")
    },
    **{f"{kind}Pooling3D": case(VOLUME, pool_size=2) for kind in ("Average", "Max")},
    **{f"Global{kind}Pooling1D": case(SEQUENCE) for kind in ("Average", "Max")},
    **{f"Global{kind}Pooling2D": case(IMAGE, keepdims=True) for kind in ("Average", "Max")},
    **{f"Global{kind}Pooling3D": case(VOLUME) for kind in ("Average", "Max")},
}
_RESHAPING = {
    "Cropping1D": case(SEQUENCE, cropping=[1, 2]),
    "Cropping2D": case(IMAGE, cropping=[[1, 2], [0, 3]]),
    "Cropping3D": case(VOLUME, cropping=[1, 0, [1, 2]]),
    "Flatten": case(IMAGE),
    "Permute": case(SEQUENCE, dims=[2, 1]),
    "RepeatVector": case((4,), n=3),
    "Reshape": case((12,), target_shape=[-1, 4]),
    "UpSampling1D": case(SEQUENCE, size=2),
    "UpSampling2D": case(IMAGE, size=[2, 3], interpolation="bilinear"),
    "UpSampling3D": case(VOLUME, size=2),
    "ZeroPadding1D": case(SEQUENCE, padding=[1, 2]),
    "ZeroPadding2D": case(IMAGE, padding=[1, [2, 3]]),
    "ZeroPadding3D": case(VOLUME, padding=2),
}
_MERGING = {
    **{
        kind: merged((4,), (4,), (4,))
        for kind in ("Add", "Average", "Maximum", "Minimum", "Multiply")
    },
    "Concatenate": merged((4, 2), (4, 3), axis=-1),
    "Dot": merged((4, 5), (3, 5), axes=[2, 2], normalize=True),
    "Subtract": merged((4,), (4,)),
}
_NORMALIZATION = {
    "BatchNormalization": case(
        (4,), renorm=True, renorm_clipping={"rmax": 3.0, "rmin": 0.3, "dmax": 5}
    ),
    "GroupNormalization": case(IMAGE, groups=3),
    "LayerNormalization": case((4, 5), axis=[1, 2]),
    "RMSNormalization": case((4, 5), axis=-1),
    "SpectralNormalization": wrapped(
        (4,),
        lambda: layers.SpectralNormalization(layers.Dense(3), power_iterations=2),
        layer=layer("Dense", units=3),
        power_iterations=2,
    ),
    "UnitNormalization": case((4,)),
}
_REGULARIZATION = {
    "ActivityRegularization": case((4,), l1=0.1),
    "AlphaDropout": case((4,), rate=0.2, seed=3),
    "Dropout": case(SEQUENCE, rate=0.2, noise_shape=[None, 1, 3], seed=3),
    "GaussianDropout": case((4,), rate=0.2, seed=3),
    "GaussianNoise": case((4,), stddev=0.2, seed=3),
    "SpatialDropout1D": case(SEQUENCE, rate=0.2, seed=3),
    "SpatialDropout2D": case(IMAGE, rate=0.2, seed=3),
    "SpatialDropout3D": case(VOLUME, rate=0.2, seed=3),
}
_QUERY_AND_VALUE: Inputs = {"query": (5, 8), "value": (6, 8)}
_ATTENTION = {
    "AdditiveAttention": merged((5, 8), (6, 8)),
    "Attention": Case(
        {"score_mode": "concat", "use_scale": True},
        [(5, 8), (6, 8)],
        call={"return_attention_scores": True},
    ),
    "GroupQueryAttention": Case(
        {"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 2},
        _QUERY_AND_VALUE,
    ),
    "MultiHeadAttention": Case(
        {"num_heads": 2, "key_dim": 3, "value_dim": 5, "output_shape": 7, "attention_axes": [1]},
        _QUERY_AND_VALUE,
        call={"return_attention_scores": True, "use_causal_mask": True},
    ),
}
_CELL = layer("LSTMCell", units=4)
_RNN = {
    "Bidirectional": wrapped(
        SEQUENCE,
        lambda: layers.Bidirectional(
            layers.LSTM(4), merge_mode="sum", backward_layer=layers.GRU(4, go_backwards=True)
        ),
        layer=layer("LSTM", units=4),
        backward_layer=layer("GRU", units=4, go_backwards=True),
        merge_mode="sum",
    ),
    "ConvLSTM1D": case((4, 6, 3), filters=2, kernel_size=3, return_sequences=True),
    "ConvLSTM2D": case((4, 6, 7, 3), filters=2, kernel_size=[3, 2]),
    "ConvLSTM3D": case((3, 5, 6, 7, 2), filters=2, kernel_size=2),
    "GRU": case(SEQUENCE, units=4, reset_after=False, return_state=True),
    "GRUCell": Case({"units": 4}, {"inputs": (3,), "states": (4,)}),
    "LSTM": case(SEQUENCE, units=4, return_state=True, return_sequences=True, use_cudnn=False),
    "LSTMCell": Case({"units": 4}, {"inputs": (3,), "states": [(4,), (4,)]}),
    "RNN": wrapped(
        SEQUENCE,
        lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(5)], return_sequences=True),
        cell=[_CELL, layer("GRUCell", units=5)],
        return_sequences=True,
    ),
    "SimpleRNN": case(SEQUENCE, units=4, go_backwards=True),
    "SimpleRNNCell": Case({"units": 4}, {"sequence": (3,), "states": (4,)}),
    "StackedRNNCells": Case(
        {"cells": [layer("GRUCell", units=4), layer("SimpleRNNCell", units=5)]},
        {"inputs": (3,), "states": [(4,), (5,)]},
        direct=lambda: layers.StackedRNNCells([layers.GRUCell(4), layers.SimpleRNNCell(5)]),
    ),
    "TimeDistributed": wrapped(
        (5, *IMAGE),
        lambda: layers.TimeDistributed(layers.Conv2D(2, 3)),
        layer=layer("Conv2D", filters=2, kernel_size=3),
    ),
}
_ENCODING = {
    "CategoryEncoding": whole((3,), num_tokens=5, output_mode="count"),
    "Discretization": case((4,), bin_boundaries=[-1.0, 0.0, 2.5], output_mode="one_hot"),
    "HashedCrossing": Case({"num_bins": 7, "output_mode": "one_hot"}, [(1,), (1,)], dtype="int32"),
    "Hashing": whole((3,), num_bins=5, salt=[3, 4]),
    "IntegerLookup": whole((3,), vocabulary=[3, 1, 2], output_mode="multi_hot"),
    "Normalization": case(SEQUENCE, axis=-1, mean=[0.5, 1, 2], variance=[1.0, 2, 3]),
    "StringLookup": Case(
        {"vocabulary": ["red", "green"], "num_oov_indices": 2}, (3,), dtype="string"
    ),
    "TextVectorization": Case(
        {"vocabulary": ["red", "green", "red green"], "ngrams": [1, 2]},
        (1,),
        dtype="string",
        direct=lambda: layers.TextVectorization(
            vocabulary=["red", "green", "red green"], ngrams=(1, 2)
        ),
    ),
    "MelSpectrogram": case((256,), fft_length=64, sequence_stride=32, num_mel_bins=8),
    "STFTSpectrogram": case((256, 1), frame_length=32, frame_step=16, mode="magnitude"),
    "Rescaling": case(IMAGE, scale=[0.1, 0.2, 0.3], offset=-1),
    "Pipeline": wrapped(
        IMAGE,
        lambda: layers.Pipeline([layers.Rescaling(0.5), layers.CenterCrop(4, 4)]),
        layers=[layer("Rescaling", scale=0.5), layer("CenterCrop", height=4, width=4)],
    ),
}
_PICTURES = {
    "AugMix": case(IMAGE, value_range=[0, 1], seed=3),
    "AutoContrast": case(IMAGE),
    "CenterCrop": case(IMAGE, height=5, width=4),
    "ContrastLimitedAdaptiveHistogramEqualization": case((16, 16, 3), tile_grid_size=[2, 2]),
    "CutMix": case(IMAGE, factor=0.5, seed=3),
    "MaxNumBoundingBoxes": case(IMAGE, max_number=3, bounding_box_format="xyxy"),
    "MixUp": case(IMAGE, alpha=0.3, seed=3),
    "RandAugment": case(IMAGE, num_ops=1, seed=3),
    "RandomBrightness": case(IMAGE, factor=[-0.2, 0.3], seed=3),
    "RandomColorDegeneration": case(IMAGE, factor=0.5, seed=3),
    "RandomColorJitter": case(IMAGE, brightness_factor=0.2, hue_factor=[0.1, 0.2], seed=3),
    "RandomContrast": case(IMAGE, factor=0.5, seed=3),
    "RandomCrop": case(IMAGE, height=5, width=4, seed=3),
    "RandomElasticTransform": case(IMAGE, factor=0.5, seed=3),
    "RandomErasing": case(IMAGE, scale=[0.1, 0.2], fill_value=0.5, seed=3),
    "RandomFlip": case(IMAGE, mode="horizontal", seed=3),
    "RandomGaussianBlur": case(IMAGE, kernel_size=[3, 5], sigma=0.5, seed=3),
    "RandomGrayscale": case(IMAGE, factor=0.5, seed=3),
    "RandomHue": case(IMAGE, factor=0.5, seed=3),
    "RandomInvert": case(IMAGE, factor=0.5, seed=3),
    "RandomPerspective": case(IMAGE, factor=0.5, seed=3),
    "RandomPosterization": case(IMAGE, factor=4, seed=3),
    "RandomRotation": case(IMAGE, factor=[-0.2, 0.3], fill_mode="constant", seed=3),
    "RandomSaturation": case(IMAGE, factor=0.5, seed=3),
    "RandomSharpness": case(IMAGE, factor=0.5, seed=3),
    "RandomShear": case(IMAGE, x_factor=[0.0, 0.3], y_factor=[0.1, 0.2], seed=3),
    "RandomTranslation": case(IMAGE, height_factor=0.2, width_factor=[0.1, 0.2], seed=3),
    "RandomZoom": case(IMAGE, height_factor=0.2, fill_mode="wrap", seed=3),
    "Resizing": case(IMAGE, height=6, width=9, interpolation="bicubic", antialias=True),
    "Solarization": case(IMAGE, threshold_factor=0.5, seed=3),
}
_APPLICATIONS = {
    "CustomScaleLayer": merged((4, 3), (4, 3), scale=0.17),
    "LayerScale": case((4, 3), init_values=0.1, projection_dim=3),
}
CASES: Mapping[str, Case] = {
    **_CORE,
    **_ACTIVATIONS,
    **_CONVOLUTIONAL,
    **_POOLING,
    **_RESHAPING,
    **_MERGING,
    **_NORMALIZATION,
    **_REGULARIZATION,
    **_ATTENTION,
    **_RNN,
    **_ENCODING,
    **_PICTURES,
    **_APPLICATIONS,
}
