"""Finds losses and metrics that do not fit the activation of their output."""

from collections.abc import Iterator

from compiler.training.targets import (
    Pair,
    find_single_class,
    get_config,
    name_component,
)
from domain.dtype import is_float
from domain.errors import Fault
from domain.graph.walk import Place
from domain.job.recipe import NameOrComponent
from domain.job.targets import simplify_name
from domain.json.pointer import pointer

_PROBABILITIES = frozenset({"sigmoid", "softmax", "hard_sigmoid", "sparse_sigmoid", "sparsemax"})
_BINARY = ("binarycrossentropy", "binaryfocalcrossentropy", "bce")
_CATEGORICAL = ("categoricalcrossentropy", "categoricalfocalcrossentropy")
_CROSSENTROPIES = (*_BINARY, *_CATEGORICAL, "sparsecategoricalcrossentropy")
_BY_THRESHOLD = (
    "binaryaccuracy", "binaryiou", "precision", "recall", "auc", "f1score", "fbetascore",
    "truepositives", "truenegatives", "falsepositives", "falsenegatives",
    "sensitivityatspecificity", "specificityatsensitivity", "precisionatrecall",
    "recallatprecision",
)  # fmt: skip
"""Metrics that compare an output with thresholds between 0 and 1."""
_BY_CLASS = ("categoricalaccuracy", "sparsecategoricalaccuracy", *_CATEGORICAL)
_F_SCORES = ("f1score", "fbetascore")
_OF_SHARES = ("dice", "tversky", "kldivergence", "kld")
"""Losses of shares of classes that take no logits."""
_TOP = ("topkcategoricalaccuracy", "sparsetopkcategoricalaccuracy")
_UNIONS = ("iou", "meaniou", "onehotiou", "onehotmeaniou")
_CORRELATIONS = ("pearsoncorrelation", "concordancecorrelation")
"""Metrics that compare how the values along an axis vary."""
_USUAL_K = 5
_UNREDUCED = "none"


class Activated:
    """A loss or metric, and the output that it reads."""

    def __init__(self, spec: NameOrComponent, pair: Pair, activation: str | None) -> None:
        """Resolve the name.

        Args:
            spec: The loss or metric.
            pair: The output and its target.
            activation: The output's activation; None if it is unknown.
        """
        self.name = name_component(spec, pair)
        self.plain = simplify_name(self.name)
        self.config = get_config(spec)
        self.pair, self.activation = pair, activation

    @property
    def is_single(self) -> bool:
        """Whether the output has one unit."""
        return self.pair.row[-1:] == [1]

    def find_loss_faults(self, place: Place) -> Iterator[Fault]:
        """Find why a loss would be constant or have no gradient."""
        reason = self._find_constant()
        if reason is not None:
            hint = "For two classes use 'binary_crossentropy' with one sigmoid unit."
            yield Fault(pointer=pointer(*place), detail=f"{reason} {hint}")
        dtype = self.pair.output.dtype
        if not is_float(dtype):
            detail = f"Output '{self.pair.name}' is {dtype}, which has no gradient: a loss needs "
            yield Fault(pointer=pointer(*place), detail=f"{detail}an output of floats.")

    def _find_constant(self) -> str | None:
        if not self.is_single:
            return None
        if self.activation == "softmax":
            return f"Output '{self.pair.name}' is the softmax of one unit, which is always 1."
        if self.plain in _CATEGORICAL:
            return (
                f"'{self.name}' of one unit is constant, so nothing is learned: output "
                f"'{self.pair.name}' gives one number in each row."
            )
        return None

    def find_loss_doubts(self) -> Iterator[str]:
        """Find what a loss that is accepted may not mean."""
        output = f"Output '{self.pair.name}'"
        if self.plain in _BINARY and self.activation == "softmax":
            yield (
                f"{output} is a softmax of {self.pair.row[-1]} classes, but '{self.name}' counts "
                "each unit as a decision of its own; 'categorical_crossentropy' is usual."
            )
        if self.plain == "cosinesimilarity" and self.is_single:
            yield f"{output} has one unit; '{self.name}' of it has no gradient."
        if self.plain in _CROSSENTROPIES and self.activation is not None:
            yield from self._find_logit_doubts(output)
        if self.plain in _OF_SHARES and self.activation == "linear":
            yield f"{output} has no activation, but '{self.name}' reads shares from 0 to 1."
        if self.plain == "poisson" and self.activation in ("linear", "tanh"):
            yield (
                f"{output} {self._describe_activation()}; '{self.name}' of a negative number is "
                "NaN. An activation such as 'softplus' or 'exponential' is usual."
            )
        if self.plain == "ctc" and self.activation in _PROBABILITIES:
            yield (
                f"{output} has the activation '{self.activation}', but '{self.name}' reads logits: "
                "leave the activation out."
            )
        if self.config.get("reduction", "") in (None, _UNREDUCED):
            yield (
                f"'{self.name}' of output '{self.pair.name}' is not reduced, so the training "
                "minimizes the sum of all its values; 'sum_over_batch_size' is usual."
            )

    def _find_logit_doubts(self, output: str) -> Iterator[str]:
        is_probability = self.activation in _PROBABILITIES
        if self.config.get("from_logits") and is_probability:
            yield (
                f"{output} has the activation '{self.activation}', but '{self.name}' has "
                "`from_logits: true`, which means an output without activation."
            )
        elif not self.config.get("from_logits") and not is_probability:
            yield (
                f"{output} {self._describe_activation()}, but '{self.name}' reads probabilities: "
                "add a sigmoid or softmax, or set `from_logits: true` in the loss."
            )

    def _describe_activation(self) -> str:
        if self.activation == "linear":
            return "has no activation"
        return f"has the activation '{self.activation}'"

    def find_metric_faults(self, place: Place) -> Iterator[Fault]:
        """Find why a metric would be NaN or 0 for every row, or could not be computed."""
        if self.plain == "sparsecategoricalcrossentropy":
            yield from find_single_class(self.name, self.pair, place)
        if self.plain in _CORRELATIONS and self._correlates_single_values():
            detail = (
                f"'{self.name}' needs several values along its axis; output '{self.pair.name}' has "
                f"one there. `axis: 0` correlates the rows of each batch."
            )
            yield Fault(pointer=pointer(*place), detail=detail)

    def _correlates_single_values(self) -> bool:
        axes, shape = self.config.get("axis", -1), self.pair.output.shape
        listed = axes if isinstance(axes, list | tuple) else [axes]
        return all(-len(shape) <= axis < len(shape) and shape[axis] == 1 for axis in listed)

    def find_metric_doubts(self) -> Iterator[str]:
        """Find what a metric that is accepted may not mean."""
        output = f"output '{self.pair.name}'"
        if self.plain in (*_BY_CLASS, *_TOP) and self.is_single:
            yield f"Metric '{self.name}' of one unit is constant: {output} has one unit."
        if self.plain in _F_SCORES and self.is_single and self.config.get("threshold") is None:
            yield (
                f"Metric '{self.name}' without `threshold` counts every row of {output} as "
                "positive, since it has one unit."
            )
        yield from self._find_class_doubts(output)
        is_scored = self.config.get("threshold") is None and self.plain in _F_SCORES
        is_by_threshold = self.plain in _BY_THRESHOLD and not is_scored
        if is_by_threshold and self.activation == "linear" and not self._has_own_threshold():
            yield (
                f"Metric '{self.name}' compares {output} with thresholds between 0 and 1, but it "
                "has no activation."
            )

    def _find_class_doubts(self, output: str) -> Iterator[str]:
        """Find metrics on classes that do not read the output as classes."""
        classes = self.pair.row[-1] if self.pair.row else None
        k = self.config.get("k", _USUAL_K)
        takes_all = isinstance(k, int) and classes is not None and 1 < classes <= k
        if self.plain in _TOP and takes_all:
            yield (
                f"Metric '{self.name}' is always 1: it takes the {k} largest of the {classes} "
                f"classes of {output}."
            )
        if self.plain == "accuracy" and is_float(self.pair.output.dtype):
            yield (
                f"Metric 'Accuracy' counts the numbers of {output} that equal their targets "
                "exactly; the name 'accuracy' compares classes."
            )
        reads_indices = self.config.get("sparse_y_pred", not self.plain.startswith("onehot"))
        if self.plain in _UNIONS and reads_indices and is_float(self.pair.output.dtype):
            yield (
                f"Metric '{self.name}' reads {output} as class indices, and rounds its numbers "
                "down to them: set `sparse_y_pred: false` for one number a class."
            )

    def _has_own_threshold(self) -> bool:
        names = ("threshold", "thresholds", "from_logits")
        return any(self.config.get(name) is not None for name in names)
