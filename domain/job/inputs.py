"""The rules of an input's column: its shape, dtype and range."""

from collections.abc import Iterator, Sequence

from domain.dataset import Column
from domain.dtype import TEXT, bounds_of, kind_of
from domain.graph.language import GraphDefinition, KerasLayer, LayerObject, OpNode, Reference
from domain.graph.shapes import fits, format_shape
from domain.graph.summary import Tensor


def find_misfits(column: Column, tensor: Tensor, indices: int | None) -> Iterator[str]:
    """Find why a column cannot feed an input.

    Args:
        column: The column.
        tensor: The input.
        indices: Number of indices of the Embedding that the input feeds directly, if any.
    """
    wanted = tensor.shape[1:]
    if not (fits(column.shape, wanted) or lacks_axis(column.shape, wanted)):
        yield (
            f"Column '{column.name}' has the shape {column.shape} in each row; input "
            f"'{tensor.name}' takes {format_shape(wanted)}."
        )
    misfit = _misfit(column, tensor.dtype)
    if misfit is not None:
        yield (
            f"Column '{column.name}' is {column.dtype}, input '{tensor.name}' {tensor.dtype}: "
            f"{misfit}."
        )
    if indices is not None and not column.lies_in(0, indices - 1):
        yield (
            f"Column '{column.name}' runs from {column.min:g} to {column.max:g}; the Embedding "
            f"that it feeds has the indices 0 to {indices - 1}."
        )


def lacks_axis(shape: Sequence[int | None], wanted: Sequence[int | None]) -> bool:
    """Return whether a row lacks the last axis of an input, which has the length 1."""
    return bool(wanted) and wanted[-1] == 1 and fits(shape, wanted[:-1])


def _misfit(column: Column, dtype: str) -> str | None:
    kind = kind_of(column.dtype)
    if (kind == "text") != (dtype == TEXT):
        return "text cannot become numbers, nor numbers text"
    bounds = bounds_of(dtype)
    if kind == "float" and bounds is not None:
        return f'send it as whole numbers (`"dtypes": {{"{column.name}": "{dtype}"}}`)'
    if bounds is None or column.lies_in(*bounds):
        return None
    low, high = bounds
    return f"its values run from {column.min:g} to {column.max:g}, beyond {low} to {high}"


def find_embedding_sizes(definition: GraphDefinition) -> dict[str, int]:
    """Find, by input, the smallest `input_dim` of the Embeddings that it feeds directly."""
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


def find_masked(definition: GraphDefinition) -> set[str]:
    """Find the inputs that feed a layer directly which masks their zeros."""
    inputs = {item.name for item in definition.inputs}
    return {
        Reference.parse(text).target
        for node in definition.nodes
        if not isinstance(node, OpNode) and _masks_zeros(definition, node.layer)
        for _, text in node.references()
        if Reference.parse(text).target in inputs
    }


def _masks_zeros(definition: GraphDefinition, layer: LayerObject | str) -> bool:
    if isinstance(layer, str):
        return _masks_zeros(definition, definition.layers[layer])
    if not isinstance(layer, KerasLayer):
        return False
    is_masking = layer.type == "Masking" and layer.config.get("mask_value", 0) == 0
    return is_masking or (layer.type == "Embedding" and layer.config.get("mask_zero") is True)


def _input_dim(definition: GraphDefinition, layer: LayerObject | str) -> int | None:
    if isinstance(layer, str):
        return _input_dim(definition, definition.layers[layer])
    if not isinstance(layer, KerasLayer) or layer.type != "Embedding":
        return None
    size = layer.config.get("input_dim")
    return int(size) if isinstance(size, int | float) else None
