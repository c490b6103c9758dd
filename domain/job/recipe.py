"""The arguments of Keras's `compile` and `fit`, as JSON."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag

from domain.contract import WHOLE, Contract
from domain.dataset import ClassValue
from domain.early_stop import STOP_EARLY
from domain.job.preparation import Missing, Window

Number = Annotated[float, Field(strict=True)]
"""A JSON number; neither a boolean nor a string."""


class Component(Contract):
    """An optimizer, loss, metric, schedule or callback: its Keras class and its arguments."""

    type: str = Field(examples=["Adam"])
    config: dict[str, JsonValue] = {}


def unwrap_optimizer(optimizer: "str | Component") -> Component:
    """Return an optimizer as an object; of a LossScaleOptimizer, the one that it takes."""
    named = optimizer if isinstance(optimizer, Component) else Component(type=optimizer)
    inner = named.config.get("inner_optimizer")
    if isinstance(inner, str):
        return Component(type=inner)
    if not isinstance(inner, dict):
        return named
    config = inner.get("config")
    type_ = str(inner.get("type", inner.get("class_name")))
    return Component(type=type_, config=config if isinstance(config, dict) else {})


def replace_config(optimizer: "str | Component", config: dict[str, JsonValue]) -> Component:
    """Return an optimizer with another config; of a LossScaleOptimizer, the one that it takes."""
    named = optimizer if isinstance(optimizer, Component) else Component(type=optimizer)
    inner = unwrap_optimizer(named)
    if inner is named:
        return named.model_copy(update={"config": config})
    taken: JsonValue = {"type": inner.type, "config": config}
    return named.model_copy(update={"config": {**named.config, "inner_optimizer": taken}})


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


MOST_LOSSES = 16
"""The largest number of losses of one output."""


class WeightedLoss(Contract):
    """One of several losses of an output."""

    loss: NameOrComponent
    weight: Number = 1.0
    """The loss is multiplied by it."""


def _tag_part(value: object) -> str:
    is_weighted = isinstance(value, WeightedLoss) or (
        isinstance(value, dict) and "loss" in value and "type" not in value
    )
    return "<weighted>" if is_weighted else _tag(value)


Part = Annotated[
    Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")]
    | Annotated[WeightedLoss, Tag("<weighted>")],
    Discriminator(_tag_part),
]
"""One of several losses of an output: with a weight, or alone."""
LossOfOne = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")]
    | Annotated[WeightedLoss, Tag("<weighted>")]
    | Annotated[list[Part], Field(min_length=1, max_length=MOST_LOSSES), Tag("<list>")],
    Discriminator(_tag_part),
]
"""The loss of one output, or a list of losses that are added."""
Losses = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")]
    | Annotated[list[LossOfOne], STOP_EARLY, Tag("<list>")]
    | Annotated[dict[str, LossOfOne], STOP_EARLY, Tag("<mapping>")],
    Discriminator(_tag),
]
LossWeights = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[Number, Tag("<number>")]
    | Annotated[list[Number | None], STOP_EARLY, Tag("<list>")]
    | Annotated[dict[str, Number], STOP_EARLY, Tag("<mapping>")],
    Discriminator(_tag),
]
MetricsOfOne = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Component, Tag("<component>")]
    | Annotated[list[NameOrComponent], STOP_EARLY, Tag("<list>")],
    Discriminator(_tag),
]
Metrics = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[list[MetricsOfOne], STOP_EARLY, Tag("<list>")]
    | Annotated[dict[str, MetricsOfOne], STOP_EARLY, Tag("<mapping>")],
    Discriminator(_tag),
]


class Compile(Contract):
    """The arguments of Keras's `compile`."""

    optimizer: NameOrComponent = "rmsprop"
    loss: Losses = None
    """One loss for every output, a list in graph order, or a mapping by output. An output may have
    several losses: `{"y": [{"loss": "mse", "weight": 0.7}, {"loss": "mae", "weight": 0.3}]}`. With
    a single output, they may stand in the list itself."""
    loss_weights: LossWeights = None
    metrics: Metrics = None
    """A list of one metric for every output with a loss, a list in graph order, or a mapping by
    output."""
    weighted_metrics: Metrics = None
    """As `metrics`; sample weights and class weights apply to them."""
    jit_compile: bool = Field(default=False, strict=True)
    """Compile with XLA. The results have other bits; on a CPU it is not faster."""


ClassWeights = Annotated[dict[str, Number], STOP_EARLY]
"""Class index (as JSON text) to weight."""


MOST_EPOCHS = 1_000_000
EpochNumber = Annotated[int, Field(strict=True, ge=1, le=MOST_EPOCHS), WHOLE]
BatchSize = Annotated[int, Field(strict=True, ge=1, le=10_000_000), WHOLE]
Frequency = Annotated[
    Annotated[EpochNumber, Tag("<number>")]
    | Annotated[
        list[EpochNumber], STOP_EARLY, Field(min_length=1, max_length=MOST_EPOCHS), Tag("<list>")
    ],
    Discriminator(_tag),
]


class Checkpoints(Contract):
    """Which epochs' weights are kept while the job trains; a model can be made of each."""

    every: EpochNumber | None = None
    """Keep each so many epochs. If left out, every epoch is kept, or with `best` the best alone."""
    best: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """A metric, e.g. `val_loss`: the best epoch so far is kept, too."""
    mode: Literal["min", "max"] | None = None
    """Which values of `best` are better, if Keras does not know it."""
    keep: Annotated[int, Field(strict=True, ge=1, le=100), WHOLE] | None = None
    """Keep the latest so many; the best one stays beside them. If left out, all are kept, with
    `best` alone one."""

    @property
    def period(self) -> int | None:
        """After how many epochs a checkpoint is kept; None if the best alone is kept."""
        return 1 if self.every is None and self.best is None else self.every


LayerPattern = Annotated[str, Field(min_length=1, max_length=512)]


class Fit(Contract):
    """The arguments of Keras's `fit`."""

    epochs: EpochNumber = 1
    """Number of the last epoch."""
    initial_epoch: Annotated[int, Field(strict=True, ge=0, lt=MOST_EPOCHS), WHOLE] = 0
    """Number of epochs that count as finished; the first epoch of the job is the one after them.
    An epoch has the order of rows that the seed gives to its number."""
    batch_size: BatchSize = 32
    steps_per_epoch: Annotated[int, Field(strict=True, ge=1), WHOLE] | None = None
    """Number of batches of an epoch, if it has not all rows. The next epoch goes on where the last
    one ended; after all rows, the next pass begins, in a new order."""
    validation_split: float = Field(default=0.0, strict=True, ge=0, lt=1)
    """Share of the rows that validate: the last ones, before shuffling."""
    validation_freq: Frequency = 1
    """Validate after each so many epochs, or after the epochs of a list (counted from 1)."""
    validation_batch_size: BatchSize | None = None
    """`batch_size` of the validation, if it differs."""
    shuffle: bool = Field(default=True, strict=True)
    callbacks: Annotated[list[NameOrComponent], STOP_EARLY] = []
    """`EarlyStopping`, `LearningRateSchedule`, `ModelCheckpoint`, `ReduceLROnPlateau`,
    `SwapEMAWeights`, `TerminateOnNaN`."""
    class_weight: ClassWeights | Annotated[dict[str, ClassWeights], STOP_EARLY] | None = None
    """Class weights of a single output, or a mapping by output."""
    accumulate: Annotated[int, Field(strict=True, ge=2, le=MOST_EPOCHS), WHOLE] | None = None
    """Update the weights after each so many batches, by the mean of their gradients: the
    optimizer's `gradient_accumulation_steps`."""
    freeze: Annotated[list[LayerPattern], STOP_EARLY, Field(max_length=100)] = []
    """Layers that are not trained, by patterns of their paths, e.g. `encoder/*`."""
    checkpoints: Checkpoints | None = None
    """Which epochs' weights are kept."""

    def validates_after(self, epoch: int) -> bool:
        """Return whether an epoch, counted from 1, ends with a validation."""
        frequency = self.validation_freq
        return epoch % frequency == 0 if isinstance(frequency, int) else epoch in frequency

    @property
    def validated_epochs(self) -> int:
        """The number of the job's epochs that end with a validation."""
        first, frequency = self.initial_epoch, self.validation_freq
        if isinstance(frequency, int):
            return self.epochs // frequency - first // frequency
        return sum(first < epoch <= self.epochs for epoch in set(frequency))


class OutputRecipe(Contract):
    """The training of one output."""

    loss: NameOrComponent | None = None
    """The loss, or the first of several."""
    other_losses: list[NameOrComponent] = []
    part_weights: list[float] = []
    """The weight of each loss; empty if there is one without a weight of its own."""
    loss_weight: float | None = None
    """The weight of all losses of this output together."""
    metrics: list[NameOrComponent] = []
    weighted_metrics: list[NameOrComponent] = []
    target: str | None = None
    """Column of the targets; an output without a loss needs none."""
    sample_weight: str | None = None
    """Column of the sample weights."""
    class_weight: ClassWeights | None = None
    classes: list[ClassValue] | None = None
    """The classes of the target, by index; None if the target has numbers."""
    one_hot: bool = False
    """Whether classes are encoded one-hot; otherwise, as indices."""

    @property
    def losses(self) -> list[NameOrComponent]:
        """All losses; empty if the output is not trained."""
        return [] if self.loss is None else [self.loss, *self.other_losses]

    def list_losses(self, name: str) -> Iterator[tuple[NameOrComponent, tuple[str | int, ...]]]:
        """Yield each loss and its place, which has an index if there are several.

        Args:
            name: The name of the output.
        """
        place = ("compile", "loss", name)
        for index, loss in enumerate(self.losses):
            yield loss, place if len(self.losses) == 1 else (*place, index)

    @property
    def all_metrics(self) -> list[NameOrComponent]:
        """The metrics, then those that are weighted."""
        return [*self.metrics, *self.weighted_metrics]

    @property
    def is_weighable(self) -> bool:
        """Whether weights of rows have an effect."""
        return self.loss is not None or bool(self.weighted_metrics)


def _list_column(value: object) -> object:
    """Turn the column of an input, as older releases stored it, into a list of one."""
    return [value] if isinstance(value, str) else value


class Recipe(Contract):
    """A whole training, with lists in graph order resolved to names."""

    optimizer: NameOrComponent
    jit_compile: bool
    inputs: dict[str, Annotated[list[str], BeforeValidator(_list_column)]]
    """Columns by input, in graph order; several columns are put side by side."""
    outputs: dict[str, OutputRecipe]
    """Recipe by output, in graph order."""
    missing: dict[str, Missing] = {}
    """What takes the place of missing values, by column."""
    window: Window | None = None
    bucket: bool = False
    """Whether rows of like length are batched together."""

    @property
    def columns_read(self) -> set[str]:
        """The columns that the training reads."""
        outputs = self.outputs.values()
        named = {name for columns in self.inputs.values() for name in columns}
        named |= {output.target for output in outputs if output.target is not None}
        named |= {output.sample_weight for output in outputs if output.sample_weight is not None}
        group = None if self.window is None else self.window.group
        return named if group is None else {*named, group}
