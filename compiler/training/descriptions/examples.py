"""An example of each component, as a request gives it."""

from collections.abc import Mapping
from typing import Any

from compiler.catalogue.arguments import arguments_of
from compiler.training.descriptions.members import Member
from domain.catalogue import ComponentKind

_RATE = "learning_rate"
_CONFIGS: Mapping[ComponentKind, Mapping[str, dict[str, Any]]] = {
    "optimizer": {
        "LossScaleOptimizer": {
            "inner_optimizer": {"type": "Adam", "config": {_RATE: 0.001}},
            "initial_scale": 32768.0,
        },
    },
    "loss": {
        "BinaryCrossentropy": {"label_smoothing": 0.1},
        "BinaryFocalCrossentropy": {"gamma": 2.0},
        "CategoricalCrossentropy": {"label_smoothing": 0.1},
        "CategoricalFocalCrossentropy": {"alpha": 0.25, "gamma": 2.0},
        "CategoricalGeneralizedCrossEntropy": {"q": 0.5},
        "Circle": {"gamma": 80.0, "margin": 0.4},
        "Huber": {"delta": 1.0},
        "SparseCategoricalCrossentropy": {"from_logits": False},
        "Tversky": {"alpha": 0.5, "beta": 0.5},
    },
    "metric": {
        "AUC": {"curve": "ROC"},
        "BinaryAccuracy": {"threshold": 0.5},
        "BinaryIoU": {"target_class_ids": [0, 1], "threshold": 0.5},
        "F1Score": {"average": "macro"},
        "FBetaScore": {"average": "macro", "beta": 2.0},
        "IoU": {"num_classes": 3, "target_class_ids": [0], "sparse_y_pred": False},
        "MeanIoU": {"num_classes": 3, "sparse_y_pred": False},
        "MeanRelativeError": {"normalizer": [1.0]},
        "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]},
        "OneHotMeanIoU": {"num_classes": 3},
        "Precision": {"thresholds": 0.5},
        "PrecisionAtRecall": {"recall": 0.5},
        "Recall": {"thresholds": 0.5},
        "RecallAtPrecision": {"precision": 0.5},
        "SensitivityAtSpecificity": {"specificity": 0.5},
        "SparseTopKCategoricalAccuracy": {"k": 2},
        "SpecificityAtSensitivity": {"sensitivity": 0.5},
        "TopKCategoricalAccuracy": {"k": 2},
    },
    "schedule": {
        "CosineDecay": {
            "initial_learning_rate": 0.0,
            "decay_steps": 900,
            "warmup_target": 0.01,
            "warmup_steps": 100,
        },
        "CosineDecayRestarts": {"initial_learning_rate": 0.01, "first_decay_steps": 200},
        "ExponentialDecay": {
            "initial_learning_rate": 0.01,
            "decay_steps": 100,
            "decay_rate": 0.9,
        },
        "InverseTimeDecay": {
            "initial_learning_rate": 0.01,
            "decay_steps": 100,
            "decay_rate": 0.5,
        },
        "PiecewiseConstantDecay": {"boundaries": [100, 200], "values": [0.01, 0.005, 0.001]},
        "PolynomialDecay": {
            "initial_learning_rate": 0.01,
            "decay_steps": 1000,
            "end_learning_rate": 0.001,
        },
    },
    "callback": {
        "EarlyStopping": {"monitor": "val_loss", "patience": 3, "restore_best_weights": True},
        "LearningRateSchedule": {"rates": {"1": 0.01, "10": 0.001}},
        "ModelCheckpoint": {"every": 5, "best": "val_loss", "keep": 3},
        "ReduceLROnPlateau": {"monitor": "val_loss", "factor": 0.5, "patience": 2},
        "SwapEMAWeights": {"swap_on_epoch": True},
    },
    "initializer": {
        "Constant": {"value": 0.5},
        "RandomNormal": {"stddev": 0.05, "seed": 7},
        "RandomUniform": {"minval": -0.05, "maxval": 0.05, "seed": 7},
        "TruncatedNormal": {"stddev": 0.05, "seed": 7},
        "VarianceScaling": {"scale": 2.0, "mode": "fan_in", "distribution": "truncated_normal"},
    },
    "regularizer": {
        "L1": {"l1": 0.001},
        "L1L2": {"l1": 0.001, "l2": 0.001},
        "L2": {"l2": 0.001},
        "OrthogonalRegularizer": {"factor": 0.01, "mode": "rows"},
    },
    "constraint": {
        "MaxNorm": {"max_value": 2.0},
        "MinMaxNorm": {"min_value": 0.5, "max_value": 2.0},
    },
}


def make_example(kind: ComponentKind, member: Member) -> Any:
    """Return a component as a request gives it: an object, or a name if it takes no config."""
    if not member.takes_config:
        return member.type
    config = _CONFIGS.get(kind, {}).get(member.type)
    if config is None:
        rate = arguments_of(member.target).get(_RATE)
        config = {} if rate is None or rate.is_required else {_RATE: rate.default}
    return {"type": member.type, "config": config}
