"""Which columns an input takes: their shape, their dtype and their range."""

from collections.abc import Iterator

from domain.dataset import Column
from domain.dtype import TEXT, bounds_of, kind_of
from domain.graph.language import GraphDefinition, KerasLayer, LayerObject, OpNode, Reference
from domain.graph.shapes import fits, shape_text
from domain.graph.summary import Tensor


def reasons_against(column: Column, tensor: Tensor, indices: int | None) -> Iterator[str]:
    """Why a column cannot feed an input.

    Args:
        indices: How many an Embedding has that the input goes straight into.
    """
    wanted = tensor.shape[1:]
    if not (fits(column.shape, wanted) or (wanted == [1] and column.shape == [])):
        yield (
            f"Column '{column.name}' has the shape {column.shape} in each row; input "
            f"'{tensor.name}' takes {shape_text(wanted)}."
        )
    misfit = _misfit(column, tensor.dtype)
    if misfit is not None:
        yield (
            f"Column '{column.name}' is {column.dtype}, input '{tensor.name}' {tensor.dtype}: "
            f"{misfit}."
        )
    if indices is not None and not _lies_in(column, 0, indices - 1):
        yield (
            f"Column '{column.name}' runs from {column.min:g} to {column.max:g}; the Embedding "
            f"that it feeds has the indices 0 to {indices - 1}."
        )


def _misfit(column: Column, dtype: str) -> str | None:
    kind = kind_of(column.dtype)
    if (kind == "text") != (dtype == TEXT):
        return "text and numbers do not become one another"
    bounds = bounds_of(dtype)
    if kind == "float" and bounds is not None:
        return f'send it as whole numbers (`"dtypes": {{"{column.name}": "{dtype}"}}`)'
    if bounds is None or _lies_in(column, *bounds):
        return None
    low, high = bounds
    return f"its values run from {column.min:g} to {column.max:g}, beyond {low} to {high}"


def _lies_in(column: Column, low: int, high: int) -> bool:
    """Whether all values do; a column without finite values has none that do not."""
    if column.min is None or column.max is None:
        return True
    return low <= column.min and column.max <= high


def vocabularies(definition: GraphDefinition) -> dict[str, int]:
    """By input: the `input_dim` of the Embedding that it goes straight into, the least of them."""
    inputs = {item.name for item in definition.inputs}
    found: dict[str, int] = {}
    for node in definition.nodes:
        if isinstance(node, OpNode):
            continue
        size = _input_dim(definition, node.layer)
        for _, text in node.references() if size is not None else ():
            target = Reference.parse(text).target
            if target in inputs:
                found[target] = min(size or 0, found.get(target, size or 0))
    return found


def _input_dim(definition: GraphDefinition, layer: LayerObject | str) -> int | None:
    if isinstance(layer, str):
        return _input_dim(definition, definition.layers[layer])
    if not isinstance(layer, KerasLayer) or layer.type != "Embedding":
        return None
    size = layer.config.get("input_dim")
    return int(size) if isinstance(size, int | float) else None
