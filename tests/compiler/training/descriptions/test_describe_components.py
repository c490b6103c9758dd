"""The catalogues offer what Keras exports, and their examples and schemas agree with the checks."""

import inspect
import json
from functools import cache
from types import ModuleType
from typing import Any

import keras
import pytest
from jsonschema import Draft202012Validator

from compiler.catalogue.families import Family
from compiler.training.allow_list import AllowList
from compiler.training.descriptions.describe_components import describe_components
from compiler.training.descriptions.members import OFFERS
from domain.catalogue import Catalogues, ComponentKind, Components, ComponentType
from domain.job.recipe import Component

MODULES: dict[ComponentKind, ModuleType] = {
    "optimizer": keras.optimizers,
    "loss": keras.losses,
    "metric": keras.metrics,
    "schedule": keras.optimizers.schedules,
    "callback": keras.callbacks,
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
    "activation": keras.activations,
}
EVERY = pytest.mark.parametrize("kind", MODULES)


@cache
def catalogues() -> Catalogues:
    return describe_components()


def of_kind(kind: ComponentKind) -> Components:
    return catalogues().by_kind[kind]


def make(kind: ComponentKind, value: Any) -> Any:
    """Make a component as a training or a layer does."""
    offer = OFFERS[kind]
    if isinstance(offer, Family):
        assert not list(offer.faults(value, ()))
        return offer.resolve(value)
    return offer.make(value if isinstance(value, str) else Component(**value), ())


def is_refused(kind: ComponentKind, value: Any) -> bool:
    offer = OFFERS[kind]
    if isinstance(offer, AllowList):
        return bool(offer.faults(Component(**value), ()))
    return bool(list(offer.faults(value, ())))


def validator(kind: ComponentKind, item: ComponentType) -> Any:
    return Draft202012Validator({**item.config_schema, "$defs": of_kind(kind).defs})


@EVERY
def test_every_member_of_kerass_module_is_offered_or_left_out(kind: ComponentKind) -> None:
    exported = {
        name
        for name, member in inspect.getmembers(MODULES[kind])
        if (inspect.isclass(member) or inspect.isfunction(member))
        and name not in ("get", "serialize", "deserialize")
    }
    found = of_kind(kind)
    offered = {name for item in found.items for name in (item.type, *item.names)}
    left_out = {item.type for item in found.left_out}
    assert not offered & left_out
    functions = {name for name in exported if name[0].islower() and kind in ("loss", "metric")}
    assert exported - functions <= offered | left_out
    for name in functions - offered:  # Keras itself does not take the name
        with pytest.raises(ValueError, match=r"Could not interpret|required"):
            MODULES[kind].get(name)()


@EVERY
def test_every_example_is_made_and_fits_its_schema(kind: ComponentKind) -> None:
    for item in of_kind(kind).items:
        made = make(kind, item.example)
        if isinstance(item.example, dict):
            assert item.example["type"] == item.type
            validator(kind, item).validate(item.example["config"])
            assert type(made).__name__ == item.type or made == item.type
        else:
            assert item.example == item.type


@EVERY
def test_every_name_alone_is_taken(kind: ComponentKind) -> None:
    for item in of_kind(kind).items:
        assert all(make(kind, name) is not None for name in item.names), item.type
        if not item.names and item.type != "CategoricalGeneralizedCrossEntropy":
            assert item.config_schema["required"]


def test_keras_resolves_names_to_the_listed_class() -> None:
    for item in of_kind("loss").items:
        for name in item.names if item.type != "crossentropy" else ():
            found = keras.losses.get(name)
            plain = type(found).__name__ if not inspect.isfunction(found) else found.__name__
            assert plain.replace("_", "").lower() == item.type.lower()
    for item in of_kind("metric").items:
        for name in item.names if item.type != "accuracy" else ():
            assert type(keras.metrics.get(name)).__name__ == item.type


@EVERY
def test_every_argument_is_described_and_has_a_schema(kind: ComponentKind) -> None:
    for item in of_kind(kind).items:
        Draft202012Validator.check_schema(item.config_schema)
        assert item.summary
        properties: Any = item.config_schema["properties"]
        for name, schema in properties.items():
            assert schema.get("description"), (item.type, name)
            assert schema.keys() & {"type", "anyOf", "enum", "const", "$ref"}, (item.type, name)
            assert "Plain" not in json.dumps(schema), (item.type, name)
        assert not validator(kind, item).is_valid({"no_such_argument": 1})


VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    2,
    0.5,
    1.5,
    "sum",
    "adam",
    "float32",
    [0.25, 0.5],
    [1, 2],
    {},
]
EXPONENTIAL = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}
COMPONENTS: list[Any] = [
    {"type": "ExponentialDecay", "config": EXPONENTIAL},
    {"class_name": "ExponentialDecay", "config": EXPONENTIAL, "module": "keras"},
    {"type": "ExponentialDecay", "config": {}},
    {"type": "Adam", "config": {"learning_rate": 0.5}},
    {"type": "adam"},
    {"type": "LossScaleOptimizer", "config": {"inner_optimizer": "adam"}},
]


@EVERY
def test_the_schemas_accept_what_the_checks_accept(kind: ComponentKind) -> None:
    for item in of_kind(kind).items:
        if not isinstance(item.example, dict):
            continue
        config: Any = item.example["config"]
        checked, properties = validator(kind, item), item.config_schema["properties"]
        for name in properties:  # type: ignore[union-attr]
            for value in [*VALUES, *COMPONENTS]:
                given = {**config, name: value}
                refused = is_refused(kind, {"type": item.type, "config": given})
                assert checked.is_valid(given) is not refused, (item.type, name, value)


def test_a_type_may_be_written_by_another_name() -> None:
    made = OFFERS["loss"]
    assert isinstance(made, AllowList)
    spec = Component(type="mse", config={"reduction": "sum"})
    assert type(made.make(spec, ())) is keras.losses.MeanSquaredError
    (fault,) = made.faults(Component(type="crossentropy"), ())
    assert fault.detail == "The loss 'crossentropy' takes no config: give its name alone."


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("optimizer", "adan", ["There is no optimizer 'adan'. Did you mean 'adam'?", "'SGD'"]),
        ("optimizer", "Optimizer", ["'Optimizer' cannot be used. It is abstract"]),
        ("loss", "msee", ["Did you mean 'mse'?", "`GET /v1/losses` lists all names."]),
        ("metric", "Mean", ["It takes values alone"]),
        ("callback", "LambdaCallback", ["It takes a function of Python"]),
        ("callback", "Early", ["'EarlyStopping'", "'TerminateOnNaN'"]),
        ("schedule", "Cosine", ["'CosineDecay'", "'PolynomialDecay'"]),
    ],
)
def test_a_refusal_says_why_or_lists_the_names(
    kind: ComponentKind, name: str, words: list[str]
) -> None:
    offer = OFFERS[kind]
    assert isinstance(offer, AllowList)
    for spec in (name, Component(type=name)):
        (fault,) = offer.faults(spec, ())
        assert all(word in fault.detail for word in words), fault.detail
