"""Access to names of Keras that are not public; no other module uses them.

Keras may change these in any release, so `pyproject.toml` pins its minor version, and
`tests/compiler/test_keras_private.py` tests every function.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
from keras.src.applications.convnext import LayerScale
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

__all__ = ["CustomScaleLayer", "LayerScale"]

MergeLayer: Any = keras.layers.Add.__base__
"""The base class of Add, Concatenate and the other layers that take a list of tensors."""
ConvLSTM: Any = keras.layers.ConvLSTM1D.__base__
"""The base class of ConvLSTM1D, ConvLSTM2D and ConvLSTM3D."""
ImageLayer: Any = keras.layers.RandomFlip.__base__
"""The base class of the layers that augment images and bounding boxes."""
TRACKED_LISTS = ("_layers", "_seed_generators")
"""The attributes in which a layer lists the layers and seed generators inside it."""
_IMAGE_LAYERS = "keras.src.layers.preprocessing.image_preprocessing."


def get_folder(layer_class: type) -> str:
    """Return the name of the folder that defines a layer, e.g. `core` or `applications`."""
    _, _, *folders = layer_class.__module__.split(".")
    return folders[0] if folders[0] == "applications" else folders[1]


def is_defined_in(cls: type, folder: str) -> bool:
    """Return whether a class is defined in a folder of Keras's layers, e.g. `reshaping`."""
    return f".layers.{folder}." in cls.__module__


def get_file(function: Any) -> str:
    """Return the name of the file that defines an operation, without its suffix, e.g. `numpy`."""
    return str(function.__module__.rpartition(".")[2])


def is_image_layer(layer: Any) -> bool:
    """Return whether a layer preprocesses images."""
    return type(layer).__module__.startswith(_IMAGE_LAYERS)


def get_mask(tensor: Any) -> Any:
    """Return the mask of a tensor, or None if it has none."""
    return getattr(tensor, "_keras_mask", None)


def set_mask(tensor: Any, mask: Any) -> None:
    """Attach a mask to a tensor."""
    tensor._keras_mask = mask


def set_dtype(tensor: Any, dtype: str) -> None:
    """Change the dtype of a symbolic tensor."""
    tensor._dtype = dtype


def mark_dense(tensor: Any) -> None:
    """Mark a symbolic tensor as dense."""
    tensor._sparse = False


def is_symbolic(tensor: Any) -> bool:
    """Return whether Keras knows the operation that computes a tensor."""
    return hasattr(tensor, "_keras_history")


def get_operation(tensor: Any) -> Any:
    """Return the operation that computes a symbolic tensor."""
    return tensor._keras_history.operation


def get_first_call(operation: Any) -> Any:
    """Return the first call of an operation.

    It has the attributes `arguments`, `input_tensors` and `output_tensors`.
    """
    return operation._inbound_nodes[0]


def get_initializer(variable: Any) -> Any:
    """Return the initializer of a variable that has no value yet."""
    return variable._initializer


def get_own_variables(layer: Any) -> tuple[Any, ...]:
    """Return a layer's own variables, without those of the layers inside it."""
    return (*layer._trainable_variables, *layer._non_trainable_variables)


def get_own_non_trainable_variables(layer: Any) -> tuple[Any, ...]:
    """Return a layer's own variables that gradients do not change."""
    return tuple(layer._non_trainable_variables)


def get_seed_generators(layer: Any) -> tuple[Any, ...]:
    """Return a layer's own seed generators."""
    return tuple(layer._seed_generators)


def get_inner_layers(layer: Any) -> tuple[Any, ...]:
    """Return the layers directly inside a layer."""
    return tuple(layer._layers)


def get_all_layers(model: Any) -> list[Any]:
    """Return a model and all layers inside it, at any depth."""
    return list(model._flatten_layers())


def untrack(layer: Any, inner: Any) -> None:
    """Remove an inner layer from the layers that another layer tracks."""
    layer._tracker.untrack(inner)


def keep_call_arguments(model: Any) -> None:
    """Make a model keep the argument `training` of each layer's call.

    Keras otherwise replaces it by the `training` of the model's own call.
    """
    model._call_context_args = frozenset()


def run_operations(
    model: Any, inputs: Iterable[Any], operation_fn: Callable[[Any], Any]
) -> Mapping[str, Any]:
    """Run a functional model on other inputs.

    Args:
        model: A model whose outputs are a dictionary.
        inputs: A tensor for each input.
        operation_fn: Takes an operation, and returns the function to call instead of it.

    Returns:
        The result of each output, by name.
    """
    result: Mapping[str, Any] = model._run_through_graph(inputs, operation_fn=operation_fn)
    return result


def build_training(model: Any, batch: Any) -> None:
    """Create the variables of a compiled model's metrics and optimizer.

    Args:
        model: A compiled model.
        batch: Symbolic tensors `(x, y, sample_weight)`.
    """
    model._symbolic_build(data_batch=batch)


def compute_loss(model: Any, targets: Any, outputs: Any, weights: Any) -> Any:
    """Compute the loss of a compiled model from its targets, without regularization."""
    return model._compile_loss(targets, outputs, weights)


def update_loss_metric(model: Any, loss: Any, rows: Any) -> None:
    """Add the mean loss of some rows to the metric `loss` of a compiled model.

    Args:
        model: A compiled model.
        loss: The mean loss, a scalar.
        rows: The number of rows, a scalar.
    """
    model._loss_tracker.update_state(loss, sample_weight=rows)
