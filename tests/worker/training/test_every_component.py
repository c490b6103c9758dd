"""Every optimizer, schedule, loss and metric trains in our loop to the bits of plain Keras.

The examples of the catalogues train, so an example of a component is one that runs.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from compiler.training.descriptions.describe_components import describe_components
from domain.catalogue import Catalogues, ComponentKind
from tests.worker.child import in_child
from tests.worker.component_trainings import Case, compare_all, resume_all

pytestmark = pytest.mark.slow
HEADS = {
    "binary": {
        "accuracy", "AUC", "BinaryAccuracy", "BinaryCrossentropy", "BinaryFocalCrossentropy",
        "BinaryIoU", "FalseNegatives", "FalsePositives", "Hinge", "Precision",
        "PrecisionAtRecall", "Recall", "RecallAtPrecision", "SensitivityAtSpecificity",
        "SpecificityAtSensitivity", "SquaredHinge", "TrueNegatives", "TruePositives",
    },
    "classes": {
        "CategoricalAccuracy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
        "CategoricalHinge", "crossentropy", "Dice", "F1Score", "FBetaScore", "KLDivergence",
        "OneHotIoU", "OneHotMeanIoU", "Poisson", "TopKCategoricalAccuracy", "Tversky",
    },
    "indices": {
        "CategoricalGeneralizedCrossEntropy", "IoU", "MeanIoU", "SparseCategoricalAccuracy",
        "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy",
    },
    "vectors": {"ConcordanceCorrelation", "CosineSimilarity", "PearsonCorrelation"},
    "embeddings": {"Circle"},
    "sequences": {"CTC"},
}  # fmt: skip
"""The output that each loss and metric compares; all others compare single numbers."""
LOSSES = {
    "numbers": "mse",
    "binary": "binary_crossentropy",
    "classes": "categorical_crossentropy",
    "indices": "sparse_categorical_crossentropy",
    "vectors": "mse",
}
"""The loss of each head that trains beside its metrics."""
ROUNDED = {"Circle", "CosineSimilarity"}
"""Losses with a norm of each row, whose last bit depends on the graph around it. The metrics of
`vectors` have norms, too."""
ROUNDING = 1e-6
ADAM: dict[str, Any] = {"learning_rate": 0.01}
VARIANTS: dict[str, dict[str, Any]] = {
    "clipnorm": {"type": "Adam", "config": {**ADAM, "clipnorm": 0.01}},
    "clipvalue": {"type": "Adam", "config": {**ADAM, "clipvalue": 0.001}},
    "global_clipnorm": {"type": "SGD", "config": {**ADAM, "global_clipnorm": 0.01}},
    "weight_decay": {"type": "RMSprop", "config": {**ADAM, "weight_decay": 0.1}},
    "ema": {"type": "Adam", "config": {**ADAM, "use_ema": True, "ema_momentum": 0.7}},
    "ema that overwrites": {
        "type": "SGD",
        "config": {**ADAM, "momentum": 0.9, "use_ema": True, "ema_overwrite_frequency": 3},
    },
    "accumulation": {"type": "Adam", "config": {**ADAM, "gradient_accumulation_steps": 3}},
    "accumulation and ema": {
        "type": "AdamW",
        "config": {**ADAM, "gradient_accumulation_steps": 2, "use_ema": True, "clipnorm": 0.1},
    },
    "amsgrad": {"type": "Adam", "config": {**ADAM, "amsgrad": True}},
    "centered": {"type": "RMSprop", "config": {**ADAM, "centered": True, "momentum": 0.5}},
    "nesterov": {"type": "SGD", "config": {**ADAM, "momentum": 0.9, "nesterov": True}},
    "scaled loss that grows": {
        "type": "LossScaleOptimizer",
        "config": {
            "inner_optimizer": {"type": "Adam", "config": {**ADAM, "use_ema": True}},
            "initial_scale": 4.0,
            "dynamic_growth_steps": 3,
        },
    },
    "scaled loss of a schedule": {
        "type": "LossScaleOptimizer",
        "config": {
            "inner_optimizer": {
                "type": "SGD",
                "config": {
                    "learning_rate": {
                        "type": "PiecewiseConstantDecay",
                        "config": {"boundaries": [3, 7], "values": [0.1, 0.05, 0.01]},
                    }
                },
            }
        },
    },
}
"""Optimizers with the arguments that all of them share, and others that change their state."""


@cache
def catalogues() -> Catalogues:
    return describe_components()


def list_examples(kind: ComponentKind) -> Iterator[tuple[str, Any]]:
    yield from ((item.type, item.example) for item in catalogues().by_kind[kind].items)


def find_head(name: str) -> str:
    return next((head for head, names in HEADS.items() if name in names), "numbers")


def list_optimizers() -> dict[str, Case]:
    found = {n: Case({"optimizer": spec, "loss": "mse"}) for n, spec in list_examples("optimizer")}
    return found | {n: Case({"optimizer": o, "loss": "mse"}) for n, o in VARIANTS.items()}


def list_schedules() -> dict[str, Case]:
    short = {"decay_steps": 5, "first_decay_steps": 3, "warmup_steps": 2, "boundaries": [3, 7]}
    found: dict[str, Case] = {}
    for name, example in list_examples("schedule"):
        config = example["config"]
        own = {**config, **{n: value for n, value in short.items() if n in config}}
        for suffix, used in (("", config), (", short", own)):
            schedule = {"type": name, "config": used}
            optimizer = {"type": "SGD", "config": {"learning_rate": schedule, "momentum": 0.5}}
            found[name + suffix] = Case({"optimizer": optimizer, "loss": "mse"})
    return found


def list_losses() -> dict[str, Case]:
    return {
        name: Case(
            {"optimizer": "adam", "loss": spec},
            head=find_head(name),
            validates=True,
            tolerance=ROUNDING if name in ROUNDED else 0.0,
        )
        for name, spec in list_examples("loss")
    }


def list_metrics() -> dict[str, Case]:
    """One training for each head, with all its metrics, and once more with weights."""
    found: dict[str, Case] = {}
    for head, loss in LOSSES.items():
        specs = [spec for name, spec in list_examples("metric") if find_head(name) == head]
        plain = {"optimizer": "adam", "loss": loss}
        both = {**plain, "metrics": specs[:1], "weighted_metrics": specs}
        rounding = ROUNDING if head == "vectors" else 0.0
        found[head] = Case({**plain, "metrics": specs}, head, validates=True, tolerance=rounding)
        found[f"{head}, weighted"] = Case(
            both, head, validates=True, weighs=True, tolerance=rounding
        )
    return found


@pytest.mark.parametrize(
    "cases", [list_optimizers, list_schedules, list_losses, list_metrics], ids=lambda f: f.__name__
)
def test_every_component_trains_to_the_bits_of_keras(cases: Any) -> None:
    assert in_child(compare_all, cases()) == {}


@pytest.mark.parametrize("variants", [False, True], ids=["optimizers", "variants"])
def test_every_optimizer_resumes_with_the_same_bits(variants: bool) -> None:
    cases = {n: case for n, case in list_optimizers().items() if (n in VARIANTS) is variants}
    assert in_child(resume_all, cases, (5,)) == {}


def test_schedules_and_metrics_resume_with_the_same_bits() -> None:
    short = {name: case for name, case in list_schedules().items() if "short" in name}
    weighted = {name: case for name, case in list_metrics().items() if case.weighs}
    assert in_child(resume_all, short | weighted, (9,)) == {}


def list_several() -> dict[str, Case]:
    parts = [{"loss": "mse", "weight": 0.7}, {"loss": {"type": "MeanAbsoluteError"}, "weight": 0.3}]
    plain = {"optimizer": "adam", "loss": parts, "metrics": ["mae"]}
    return {
        "parts": Case(plain, validates=True),
        "weighted parts": Case({**plain, "weighted_metrics": ["mse"]}, weighs=True),
    }


def test_several_losses_train_to_the_bits_of_keras_and_resume() -> None:
    assert in_child(compare_all, list_several()) == {}
    assert in_child(resume_all, list_several(), (3, 9)) == {}
