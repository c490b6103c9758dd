"""The kinds of the arguments of Keras's layers, losses and other classes.

They are looked up by class and name, by name and rank, or by name alone.
"""

from collections.abc import Callable, Mapping

from compiler.catalogue.kinds import keras_kinds
from compiler.catalogue.kinds.json_types import number
from compiler.catalogue.kinds.keras_kinds import Kind, one_of, or_null


def _each(names: str, kind: Kind) -> dict[str, Kind]:
    return dict.fromkeys(names.split(), kind)


BY_NAME: Mapping[str, Kind] = {
    **_each("name", keras_kinds.NAME),
    **_each("seed", keras_kinds.WHOLE),
    **_each("dtype reverse_dtype", keras_kinds.FLOAT_DTYPE),
    **_each("vocabulary_dtype", one_of("int64")),
    **_each(
        "units filters groups input_dim output_dim num_heads key_dim value_dim head_dim"
        " num_query_heads num_key_value_heads depth_multiplier n height width num_bins"
        " num_tokens bins frame_length frame_step sequence_stride"
        " sequence_length sampling_rate max_number lora_rank sliding_window"
        " output_sequence_length projection_dim k top_k num_classes num_labels"
        " decay_steps first_decay_steps ema_overwrite_frequency",
        keras_kinds.POSITIVE,
    ),
    **_each("num_thresholds max_tokens gradient_accumulation_steps", keras_kinds.TWO_OR_MORE),
    **_each("power_iterations ns_steps num_chains chain_depth num_ops", keras_kinds.from_one(100)),
    **_each("num_mel_bins", keras_kinds.from_one(4096)),
    **_each("fft_length", keras_kinds.from_one(65536)),
    **_each(
        "patience cooldown start_from_epoch warmup_steps num_regressors num_oov_indices class_id"
        " verbose",
        keras_kinds.COUNT,
    ),
    **_each(
        "rate dropout recurrent_dropout label_smoothing precision recall sensitivity specificity",
        keras_kinds.FRACTION,
    ),
    **_each(
        "baseline clipnorm clipvalue fill_value global_clipnorm initial_learning_rate init_values"
        " logit_soft_cap lora_alpha loss_scale_factor max_freq min_delta threshold warmup_target"
        " weight_decay adam_lr_ratio stddev decay_rate",
        keras_kinds.NUMBER,
    ),
    **_each(
        "l1 l2 initial_accumulator_value l1_regularization_strength l2_regularization_strength"
        " l2_shrinkage_regularization_strength",
        keras_kinds.NOT_NEGATIVE,
    ),
    **_each("learning_rate_power", keras_kinds.NOT_POSITIVE),
    **_each("learning_rate", keras_kinds.DECIMAL),
    **_each("flash_attention", keras_kinds.NEVER),
    **_each("bias_axes equation monitor", keras_kinds.TEXT),
    **_each("attention_axes input_axes output_axes shared_axes", keras_kinds.AXES),
    **_each("axes", keras_kinds.TWO_AXES),
    **_each("scale offset mean variance", keras_kinds.ARRAY),
    **_each("boundaries values label_weights idf_weights", keras_kinds.NUMBERS),
    **_each(
        "factor height_factor width_factor x_factor y_factor sigma addition_factor"
        " threshold_factor brightness_factor contrast_factor saturation_factor hue_factor",
        keras_kinds.FACTOR,
    ),
    **_each("noise_shape", keras_kinds.DIMENSIONS),
    **_each("bin_boundaries", keras_kinds.BOUNDARIES),
    **_each("target_class_ids", keras_kinds.CLASSES),
    **_each("thresholds", keras_kinds.FRACTIONS),
    **_each("renorm_clipping", keras_kinds.CLIPPING),
    **_each("ngrams", keras_kinds.POSITIVES),
    **_each("salt", keras_kinds.SALT),
    **_each("ignore_class", keras_kinds.WHOLE),
    **_each("use_cudnn", keras_kinds.AUTO_OR_FLAG),
    **_each("vocabulary", keras_kinds.TEXTS),
    **_each("window", keras_kinds.WINDOW),
    **_each("exclude_layers", keras_kinds.NAMES),
    **_each("data_format", one_of("channels_last", "channels_first")),
    **_each("padding", one_of("valid", "same")),
    **_each("interpolation", one_of("nearest", "bilinear")),
    **_each("fill_mode", one_of("constant", "nearest", "wrap", "reflect")),
    **_each("merge_mode", one_of("concat", "sum", "mul", "ave", None)),
    **_each("score_mode", one_of("dot", "concat")),
    **_each("scaling", one_of("density", "spectrum", None)),
    **_each("output_mode", one_of("int", "one_hot", "multi_hot", "count", "tf_idf")),
    **_each("oov_method", one_of("floormod", "farmhash")),
    **_each("split", one_of("whitespace", "character", None)),
    **_each(
        "standardize",
        one_of("lower_and_strip_punctuation", "lower", "strip_punctuation", None),
    ),
    **_each(
        "bounding_box_format",
        one_of(
            "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw",
            "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh",
        ),
    ),
    **_each(
        "reduction",
        one_of("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None),
    ),
    **_each("average", one_of("micro", "macro", "weighted")),
    **_each("curve", one_of("ROC", "PR")),
    **_each("summation_method", one_of("interpolation", "minoring", "majoring")),
    **_each(
        "class_aggregation",
        one_of("uniform_average", "variance_weighted_average", None),
    ),
    **_each("distribution", one_of("truncated_normal", "untruncated_normal", "uniform")),
    **_each("side", one_of("real", "imag")),
}  # fmt: skip
BY_RANK: Mapping[str, Callable[[int], Kind]] = {
    "kernel_size": keras_kinds.sizes,
    "pool_size": keras_kinds.sizes,
    "strides": keras_kinds.sizes,
    "dilation_rate": keras_kinds.sizes,
    "output_size": keras_kinds.adapted,
    "size": keras_kinds.sizes,
    "output_padding": keras_kinds.counts,
    "cropping": keras_kinds.margins,
}
"""The arguments of layers whose names end in the number of spatial axes, e.g. `Conv2D`."""


def _of(classes: str, **by_name: Kind) -> dict[tuple[str, str], Kind]:
    return {(cls, name): kind for cls in classes.split() for name, kind in by_name.items()}


_SHARE = keras_kinds.bounded(number(ge=0, le=1), "from 0 to 1")
_SHIFT = keras_kinds.bounded(number(ge=-1, le=1), "from -1 to 1")
_ZOOM = keras_kinds.bounded(number(gt=-1, le=1), "above -1, up to 1")
BY_CLASS: Mapping[tuple[str, str], Kind] = {
    **_of("LayerNormalization UnitNormalization RMSNormalization Softmax", axis=keras_kinds.AXES),
    **_of("LearningRateSchedule", rates=keras_kinds.RATES),
    **_of("Normalization", axis=or_null(keras_kinds.AXES)),
    **_of("MaxNorm MinMaxNorm UnitNorm Dice Tversky", axis=keras_kinds.AXES),
    **_of("AlphaDropout GaussianDropout", rate=keras_kinds.PART),
    **_of(
        "StringLookup IntegerLookup TextVectorization Hashing HashedCrossing CategoryEncoding",
        dtype=keras_kinds.DTYPE,
    ),
    **_of("Identity Masking", dtype=keras_kinds.NUMBER_DTYPE),
    **_of("AutoContrast Dot", dtype=keras_kinds.FLOAT_DTYPE),
    **_of("RandomPosterization", factor=keras_kinds.LEVELS),
    **_of(
        "CutMix RandomContrast RandomElasticTransform RandomErasing RandomGaussianBlur RandomHue"
        " RandomInvert RandomPerspective RandomSharpness",
        factor=keras_kinds.factor(0, 1),
    ),
    **_of(
        "RandomBrightness RandomColorDegeneration RandomRotation RandomSaturation",
        factor=keras_kinds.factor(-1, 1),
    ),
    **_of(
        "RandomColorJitter",
        brightness_factor=keras_kinds.factor(-1, 1),
        contrast_factor=keras_kinds.factor(0, 1),
        saturation_factor=keras_kinds.factor(-1, 1),
        hue_factor=keras_kinds.factor(0, 1),
    ),
    **_of("RandomGaussianBlur", sigma=keras_kinds.factor(0, 1)),
    **_of("AugMix RandAugment", factor=_SHARE),
    **_of("RandomShear", x_factor=_SHARE, y_factor=_SHARE),
    **_of("Solarization", addition_factor=_SHARE, threshold_factor=_SHARE),
    **_of("RandomTranslation", height_factor=_SHIFT, width_factor=_SHIFT),
    **_of("RandomZoom", height_factor=_ZOOM, width_factor=_ZOOM),
    **_of("RandomGrayscale", factor=keras_kinds.FRACTION),
    **_of("GaussianNoise", stddev=keras_kinds.FRACTION),
    **_of("OrthogonalRegularizer", factor=keras_kinds.NOT_NEGATIVE),
    **_of("ReduceLROnPlateau", factor=keras_kinds.PART),
    **_of("ReLU LeakyReLU", negative_slope=keras_kinds.NOT_NEGATIVE),
    **_of("ReLU", threshold=keras_kinds.NOT_NEGATIVE),
    **_of("Lion", beta_1=keras_kinds.ABOVE_ZERO_TO_ONE),
    **_of("SGD", momentum=keras_kinds.FRACTION_DECIMAL),
    **_of(
        "LossScaleOptimizer",
        initial_scale=keras_kinds.ABOVE_ZERO,
        dynamic_growth_steps=keras_kinds.POSITIVE,
    ),
    **_of("FBetaScore", beta=keras_kinds.ABOVE_ZERO_DECIMAL),
    **_of("F1Score FBetaScore", threshold=keras_kinds.THRESHOLD),
    **_of("AUC", thresholds=keras_kinds.FRACTION_LIST),
    **_of("CategoricalGeneralizedCrossEntropy", q=keras_kinds.WITHIN_ONE),
    **_of("STFTSpectrogram", dtype=one_of("float32", "float16", "float64", "mixed_float16")),
    **_of(
        "MelSpectrogram",
        dtype=one_of("float32", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"),
    ),
    **_of("Conv1D", padding=one_of("valid", "same", "causal")),
    **_of("ZeroPadding1D", padding=keras_kinds.margins(1)),
    **_of("ZeroPadding2D", padding=keras_kinds.margins(2)),
    **_of("ZeroPadding3D", padding=keras_kinds.margins(3)),
    **_of("UpSampling1D", size=keras_kinds.POSITIVE),
    **_of(
        "UpSampling2D Resizing",
        interpolation=one_of("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"),
    ),
    **_of("Resizing", fill_mode=one_of("constant")),
    **_of("RandomFlip", mode=one_of("horizontal", "vertical", "horizontal_and_vertical")),
    **_of("RandomGaussianBlur", kernel_size=keras_kinds.ODD_SIZES),
    **_of("RandomErasing RandomElasticTransform", scale=keras_kinds.factor(0, 1)),
    **_of("RandomPerspective", scale=keras_kinds.FRACTION),
    **_of("CustomScaleLayer", scale=keras_kinds.NUMBER),
    **_of("ContrastLimitedAdaptiveHistogramEqualization", tile_grid_size=keras_kinds.GRID),
    **_of(
        "STFTSpectrogram",
        mode=one_of("log", "magnitude", "psd", "real", "imag", "angle", "stft"),
    ),
    **_of("MelSpectrogram", window=keras_kinds.MEL_WINDOW),
    **_of("CategoryEncoding", output_mode=one_of("one_hot", "multi_hot", "count")),
    **_of("Discretization Hashing", output_mode=one_of("int", "one_hot", "multi_hot", "count")),
    **_of("HashedCrossing", output_mode=one_of("int", "one_hot")),
    **_of(
        "IntegerLookup",
        vocabulary=keras_kinds.INTEGERS,
        mask_token=keras_kinds.WHOLE,
        oov_token=keras_kinds.WHOLE,
    ),
    **_of("StringLookup", mask_token=keras_kinds.TEXT, oov_token=keras_kinds.TEXT),
    **_of("Hashing", mask_value=keras_kinds.TEXT_OR_WHOLE),
    **_of("Masking", mask_value=keras_kinds.NUMBER),
    **_of("EinsumDense", output_shape=keras_kinds.OUTPUT_SHAPE),
    **_of("MultiHeadAttention", output_shape=keras_kinds.POSITIVES),
    **_of("Reshape", target_shape=keras_kinds.SHAPE),
    **_of("Permute", dims=keras_kinds.PERMUTATION),
    **_of("ReLU", max_value=keras_kinds.NOT_NEGATIVE),
    **_of("MaxNorm", max_value=keras_kinds.NUMBER),
    **_of(
        "VarianceScaling", scale=keras_kinds.ABOVE_ZERO, mode=one_of("fan_in", "fan_out", "fan_avg")
    ),
    **_of("Constant", value=keras_kinds.LARGE_ARRAY),
    **_of("RandomNormal TruncatedNormal", mean=keras_kinds.NUMBER),
    **_of("OrthogonalRegularizer", mode=one_of("rows", "columns")),
    **_of("EarlyStopping ReduceLROnPlateau", mode=one_of("auto", "min", "max")),
    **_of(
        "ModelCheckpoint",
        every=keras_kinds.POSITIVE,
        best=keras_kinds.TEXT,
        mode=one_of("min", "max"),
        keep=keras_kinds.from_one(100),
        save_freq=one_of("epoch"),
    ),
    **_of("CategoricalFocalCrossentropy", alpha=keras_kinds.ONE_OR_MORE),
}
