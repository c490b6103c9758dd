"""How a model is trained: Keras's `compile` and `fit`, as JSON."""

from typing import Annotated

from pydantic import Discriminator, Field, JsonValue, Tag

from domain.contract import WHOLE, Contract

Number = Annotated[float, Field(strict=True)]
"""Neither a truth value nor a text."""


class Component(Contract):
    """An optimizer, loss, metric, schedule or callback by its Keras type."""

    type: str = Field(examples=["Adam"])
    config: dict[str, JsonValue] = {}


def _kind(value: object) -> str:
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
    Annotated[str, Tag("<text>")] | Annotated[Component, Tag("<component>")], Discriminator(_kind)
]
"""`"adam"` or `{"type": "Adam", "config": {"learning_rate": 0.01}}`."""
Maybe = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")],
    Discriminator(_kind),
]
Losses = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")]
    | Annotated[list[Maybe], Tag("<list>")]
    | Annotated[dict[str, Maybe], Tag("<mapping>")],
    Discriminator(_kind),
]
LossWeights = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[Number, Tag("<number>")]
    | Annotated[list[Number | None], Tag("<list>")]
    | Annotated[dict[str, Number], Tag("<mapping>")],
    Discriminator(_kind),
]
MetricsOfOne = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")]
    | Annotated[list[NameOrComponent], Tag("<list>")],
    Discriminator(_kind),
]
Metrics = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[list[MetricsOfOne], Tag("<list>")]
    | Annotated[dict[str, MetricsOfOne], Tag("<mapping>")],
    Discriminator(_kind),
]


class Compile(Contract):
    """The arguments of Keras's `compile`."""

    optimizer: NameOrComponent = "rmsprop"
    loss: Losses = None
    """One for every output, a list in graph order, or a mapping by output."""
    loss_weights: LossWeights = None
    metrics: Metrics = None
    """A list of one applies to every output with a loss; else graph order, or a mapping."""
    jit_compile: bool = Field(default=False, strict=True)
    """XLA: other bits, and no faster on a CPU."""


ClassWeights = dict[str, Number]
"""Class index (as JSON text) to weight."""


class Fit(Contract):
    """The arguments of Keras's `fit`."""

    epochs: Annotated[int, Field(strict=True, ge=1, le=1_000_000), WHOLE] = 1
    batch_size: Annotated[int, Field(strict=True, ge=1, le=10_000_000), WHOLE] = 32
    validation_split: float = Field(default=0.0, strict=True, ge=0, lt=1)
    """The last rows, before shuffling."""
    shuffle: bool = Field(default=True, strict=True)
    callbacks: list[NameOrComponent] = []
    """`EarlyStopping`, `ReduceLROnPlateau`, `TerminateOnNaN`."""
    class_weight: ClassWeights | dict[str, ClassWeights] | None = None
    """Of a single output, or a mapping by output."""


class OutputRecipe(Contract):
    """What one output is trained on, lists and mappings resolved to its name."""

    loss: NameOrComponent | None = None
    loss_weight: float | None = None
    metrics: list[NameOrComponent] = []
    target: str | None = None
    """A column; an output without a loss needs none."""
    sample_weight: str | None = None
    class_weight: ClassWeights | None = None


class Recipe(Contract):
    """A whole training, by names alone: what lists in graph order came to."""

    optimizer: NameOrComponent
    jit_compile: bool
    inputs: dict[str, str]
    """Input to column, in graph order."""
    outputs: dict[str, OutputRecipe]
    """In graph order."""
