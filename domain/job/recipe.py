"""The arguments of Keras's `compile` and `fit`, as JSON."""

from typing import Annotated

from pydantic import Discriminator, Field, JsonValue, Tag

from domain.contract import WHOLE, Contract

Number = Annotated[float, Field(strict=True)]
"""A JSON number; neither a boolean nor a string."""


class Component(Contract):
    """An optimizer, loss, metric, schedule or callback: its Keras class and its arguments."""

    type: str = Field(examples=["Adam"])
    config: dict[str, JsonValue] = {}


def _tag(value: object) -> str:
    if value is None:
        return "<none>"
    if isinstance(value, str):
        return "<text>"
    if isinstance(value, list | tuple):
        return "<list>"
    if isinstance(value, dict) and "type" not in value:
        return "<mapping>"
    if isinstance(value, bool | int | float):
        return "<number>"
    return "<component>"


NameOrComponent = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[Component, Tag("<component>")], Discriminator(_tag)
]
"""`"adam"` or `{"type": "Adam", "config": {"learning_rate": 0.01}}`."""
Maybe = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")],
    Discriminator(_tag),
]
Losses = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")]
    | Annotated[list[Maybe], Tag("<list>")]
    | Annotated[dict[str, Maybe], Tag("<mapping>")],
    Discriminator(_tag),
]
LossWeights = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[Number, Tag("<number>")]
    | Annotated[list[Number | None], Tag("<list>")]
    | Annotated[dict[str, Number], Tag("<mapping>")],
    Discriminator(_tag),
]
MetricsOfOne = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")]
    | Annotated[list[NameOrComponent], Tag("<list>")],
    Discriminator(_tag),
]
Metrics = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[list[MetricsOfOne], Tag("<list>")]
    | Annotated[dict[str, MetricsOfOne], Tag("<mapping>")],
    Discriminator(_tag),
]


class Compile(Contract):
    """The arguments of Keras's `compile`."""

    optimizer: NameOrComponent = "rmsprop"
    loss: Losses = None
    """One loss for every output, a list in graph order, or a mapping by output."""
    loss_weights: LossWeights = None
    metrics: Metrics = None
    """A list of one metric for every output with a loss, a list in graph order, or a mapping by
    output."""
    jit_compile: bool = Field(default=False, strict=True)
    """Compile with XLA. The results have other bits; on a CPU it is not faster."""


ClassWeights = dict[str, Number]
"""Class index (as JSON text) to weight."""


class Fit(Contract):
    """The arguments of Keras's `fit`."""

    epochs: Annotated[int, Field(strict=True, ge=1, le=1_000_000), WHOLE] = 1
    batch_size: Annotated[int, Field(strict=True, ge=1, le=10_000_000), WHOLE] = 32
    validation_split: float = Field(default=0.0, strict=True, ge=0, lt=1)
    """Share of the rows that validate: the last ones, before shuffling."""
    shuffle: bool = Field(default=True, strict=True)
    callbacks: list[NameOrComponent] = []
    """`EarlyStopping`, `ReduceLROnPlateau`, `TerminateOnNaN`."""
    class_weight: ClassWeights | dict[str, ClassWeights] | None = None
    """Class weights of a single output, or a mapping by output."""


class OutputRecipe(Contract):
    """The training of one output."""

    loss: NameOrComponent | None = None
    loss_weight: float | None = None
    metrics: list[NameOrComponent] = []
    target: str | None = None
    """Column of the targets; an output without a loss needs none."""
    sample_weight: str | None = None
    """Column of the sample weights."""
    class_weight: ClassWeights | None = None


class Recipe(Contract):
    """A whole training, with lists in graph order resolved to names."""

    optimizer: NameOrComponent
    jit_compile: bool
    inputs: dict[str, str]
    """Column by input, in graph order."""
    outputs: dict[str, OutputRecipe]
    """Recipe by output, in graph order."""
