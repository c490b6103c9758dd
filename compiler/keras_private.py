"""Access to names of Keras that are not public; no other module uses them.

Keras may change these in any release, so `pyproject.toml` pins its minor version, and
`tests/compiler/test_keras_private.py` tests every function.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import keras
from keras.src.applications.convnext import LayerScale
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.ops import image
from keras.src.trainers.compile_utils import get_metric
from keras.src.utils.naming import to_snake_case

__all__ = ["CustomScaleLayer", "LayerScale", "to_snake_case"]

MergeLayer: Any = keras.layers.Add.__base__
"""The base class of Add, Concatenate and the other layers that take a list of tensors."""
ConvLSTM: Any = keras.layers.ConvLSTM1D.__base__
"""The base class of ConvLSTM1D, ConvLSTM2D and ConvLSTM3D."""
ImageLayer: Any = keras.layers.RandomFlip.__base__
"""The base class of the layers that augment images and bounding boxes."""
TRACKED_LISTS = ("_layers", "_seed_generators")
"""The attributes in which a layer lists the layers and seed generators inside it."""
SWAPPED = "_ema_weights_in_model"
"""The attribute of `SwapEMAWeights` that tells whether the model has the averages."""
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


def get_inputs(tensor: Any) -> tuple[Any, ...]:
    """Return the tensors from which an operation computes a symbolic tensor."""
    history = tensor._keras_history
    return tuple(history.operation._inbound_nodes[history.node_index].input_tensors)


def get_position(tensor: Any) -> int:
    """Return the position of a symbolic tensor among the outputs of its operation's call."""
    position: int = tensor._keras_history.tensor_index
    return position


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


def takes_call_argument(layer: Any, name: str) -> bool:
    """Return whether the call of a layer takes `training` or `mask`."""
    return bool(getattr(layer, f"_call_has_{name}_arg"))


def set_resize_method(layer_class: Any, correct: Callable[[Any], Any]) -> None:
    """Replace the method with which `UpSampling2D` resizes images.

    Args:
        layer_class: `keras.layers.UpSampling2D`.
        correct: Takes Keras's own method, and returns the method to use instead.
    """
    layer_class._resize_images = correct(layer_class._resize_images)


def resize_images(images: Any, size: tuple[Any, Any], interpolation: str) -> Any:
    """Resize images of shape (rows, height, width, channels) to a size that may be symbolic."""
    return image._resize(images, size, interpolation=interpolation, data_format="channels_last")


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


def build_training(
    model: Any, batch: Any, names: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> None:
    """Create the variables of a compiled model's metrics and optimizer.

    Args:
        model: A compiled model.
        batch: Symbolic tensors `(x, y, sample_weight)`.
        names: The names of the losses of each output that has several, for which Keras has one
            name alone.
    """
    model._symbolic_build(data_batch=batch)
    remaining = {output: list(listed) for output, listed in names.items()}
    losses = model._compile_loss
    for loss, metric in zip(losses._flat_losses, losses.metrics, strict=False):
        if loss.path and loss.path[0] in remaining:
            metric.name = remaining[loss.path[0]].pop(0)


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


def wrap_loss(function: Callable[[Any, Any], Any]) -> Any:
    """Return the `keras.losses.Loss` that `compile` makes of a loss function."""
    return LossFunctionWrapper(function)


def make_compiled_metric(metric: Any, target: Any, output: Any) -> Any:
    """Return the `keras.metrics.Metric` that `compile` makes of a metric or its name.

    Args:
        metric: A metric, or a name that Keras resolves.
        target: Has the shape of the target, with the batch axis, as its attribute `shape`.
        output: Has the shape of the output.
    """
    return get_metric(metric, target, output)


def find_monitor_direction(model: Any, monitor: str) -> Literal["min", "max"]:
    """Return whether Keras's callbacks take a lower or a higher value of a metric for better.

    Args:
        model: A compiled model whose metrics are built.
        monitor: The name of the metric in the logs.
    """
    callback = keras.callbacks.EarlyStopping(monitor)
    callback.set_model(model)
    callback._set_monitor_op()
    return "max" if callback.monitor_op is keras.ops.greater else "min"


def swap_averages(callback: Any) -> None:
    """Exchange the weights and their moving averages, as `SwapEMAWeights` does."""
    callback._swap_variables()


def get_rate_variable(optimizer: Any) -> Any:
    """Return the variable of the learning rate; None if a schedule computes the rate."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    rate = inner._learning_rate
    return rate if isinstance(rate, keras.Variable) else None


def settle_averages(callback: Any) -> None:
    """Make the averages that a `SwapEMAWeights` has put into the model final.

    Keras does so after the last epoch alone. A training that ends earlier would end with the
    weights themselves, since the optimizer puts into the model what it has for averages.
    """
    if getattr(callback, SWAPPED):
        callback._finalize_ema_values()


def find_direction(metric: Any) -> str | None:
    """Return `up` or `down`, the better direction of a metric; None if Keras does not know it."""
    direction: str | None = getattr(metric, "_direction", None)
    return direction
