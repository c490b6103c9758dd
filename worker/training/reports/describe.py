"""Finds how the predictions of each output are read, by its loss and its activation."""

from collections.abc import Mapping, Sequence
from typing import Any

from compiler.model.build import BuiltModel
from compiler.training.activations import find_activation
from compiler.training.targets import Pair, get_config, name_component
from domain.check import ColumnSpec
from domain.job.recipe import NameOrComponent, OutputRecipe, Recipe
from domain.job.targets import simplify_name, takes_indices
from worker.training.reports.output import Kind, NoReport, OutputSpec, ScoreKind

MOST_UNITS = 100
"""The most numbers on the last axis of an output that are compared by themselves."""
_BINARY = ("binary", "bce")
_HINGES = ("hinge", "squaredhinge")
_THRESHOLDS = (
    "auc", "precision", "recall", "truepositives", "truenegatives", "falsepositives",
    "falsenegatives", "sensitivityatspecificity", "specificityatsensitivity", "precisionatrecall",
    "recallatprecision",
)  # fmt: skip
"""Metrics of two classes, or of labels."""
_SHARES = ("dice", "tversky", "kldivergence", "kld", "f1score", "fbetascore")
"""Losses and metrics of shares of classes; the activation tells whether one class is right."""
_OTHERS = {
    "ctc": "Its targets are sequences, which are no targets of single steps.",
    "circle": "It gives embeddings, and its targets are classes of rows.",
}
"""Losses whose targets are not what the output gives, by the reason."""


def describe_outputs(
    recipe: Recipe, built: BuiltModel, targets: Mapping[str, ColumnSpec]
) -> dict[str, OutputSpec | NoReport]:
    """Returns how the predictions of each output are read, in graph order.

    Args:
        recipe: Losses, metrics and classes by output.
        built: The model.
        targets: The targets as they are fed, by output.
    """
    found: dict[str, OutputSpec | NoReport] = {}
    for name, part in recipe.outputs.items():
        pair = Pair.find(name, part, targets.get(name), built.outputs)
        if pair is None:
            found[name] = NoReport("It has no target.")
        else:
            found[name] = _OutputDescription(part, pair, built.outputs[name]).describe()
    return found


class _OutputDescription:
    """Describes one output by what its losses compare; without a loss, by its metrics.

    The first of them on classes or labels decides, since the others compare the same as numbers.
    """

    def __init__(self, part: OutputRecipe, pair: Pair, tensor: Any) -> None:
        self._part, self._pair = part, pair
        self._activation = find_activation(tensor)

    def describe(self) -> OutputSpec | NoReport:
        """Returns how the predictions are read."""
        found = [self._describe(spec) for spec in self._part.losses or self._part.all_metrics]
        described = [one for one in found if isinstance(one, OutputSpec)]
        refused = [one for one in found if isinstance(one, NoReport)]
        classes = [one for one in described if one.kind != "numbers"]
        candidates: list[OutputSpec | NoReport] = [*classes, *refused, *described]
        return candidates[0] if candidates else self._describe_numbers()

    def _describe(self, spec: NameOrComponent) -> OutputSpec | NoReport:
        plain = simplify_name(name_component(spec, self._pair))
        scores = self._find_scores(spec, plain)
        axis = get_config(spec).get("axis", -1)
        if plain in _OTHERS:
            return NoReport(_OTHERS[plain])
        if plain.startswith(_BINARY) or plain in (*_HINGES, *_THRESHOLDS):
            return self._describe_decisions(scores)
        if takes_indices(plain) or "categorical" in plain:
            ignored = get_config(spec).get("ignore_class")
            return self._describe_classes(scores, axis, ignored, indices=takes_indices(plain))
        if plain in _SHARES and self._activation == "softmax":
            return self._describe_classes(scores, -1, None, indices=False)
        if plain in _SHARES and self._activation == "sigmoid":
            return self._describe_decisions(scores)
        return self._describe_numbers()

    def _find_scores(self, spec: NameOrComponent, plain: str) -> ScoreKind:
        if "hinge" in plain:
            return "raw"
        return "logit" if get_config(spec).get("from_logits") else "probability"

    def _describe_decisions(self, scores: ScoreKind) -> OutputSpec:
        """Describes an output of one unit, or of a unit for each label."""
        width = self._get_width()
        if width is None or width == 1:
            return OutputSpec("binary", scores=scores, names=self._names)
        return OutputSpec("labels", width, -1, scores)

    def _describe_classes(
        self, scores: ScoreKind, axis: Any, ignored: Any, *, indices: bool
    ) -> OutputSpec | NoReport:
        """Describes an output with a unit for each class."""
        shape = self._pair.output.shape
        if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
            return NoReport("The axis of its classes is not known.")
        width = shape[axis]
        if width is None or width < 2:
            return NoReport("It has no known number of classes, two or more.")
        kept = ignored if isinstance(ignored, int) else None
        kind: Kind = "binary" if width == 2 else "classes"
        return OutputSpec(kind, width, axis, scores, indices, kept, self._names)

    def _describe_numbers(self) -> OutputSpec | NoReport:
        if self._pair.target.dtype == "string" or not self._fits():
            return NoReport("Its targets have another shape than its predictions.")
        width = self._get_width()
        if width is None or width > MOST_UNITS:
            return OutputSpec("numbers", scores="raw")
        return OutputSpec("numbers", width, -1 if self._pair.row else None, "raw")

    def _fits(self) -> bool:
        """Returns whether the target has the output's shape; a last axis of 1 may be missing."""
        row, column = _strip(self._pair.row), _strip(self._pair.column.shape)
        return len(row) == len(column) and all(
            one is None or other is None or one == other
            for one, other in zip(row, column, strict=True)
        )

    def _get_width(self) -> int | None:
        """Returns the length of the output's last axis; 1 if a row has one number."""
        return self._pair.row[-1] if self._pair.row else 1

    @property
    def _names(self) -> Sequence[Any] | None:
        return self._part.classes


def _strip(shape: Sequence[int | None]) -> list[int | None]:
    """Returns a shape without the axes of length 1 at its end."""
    kept = list(shape)
    while kept and kept[-1] == 1:
        kept.pop()
    return kept
