"""Every function on Keras's private names works with the installed Keras.

A failure here means that an upgrade of Keras changed one of these names.
"""

from typing import Any

import keras
import numpy as np
import pytest

from compiler import keras_private


def functional() -> Any:
    """Return a model with a layer, an operation and an inner model."""
    tensor = keras.Input([4], name="x")
    hidden = keras.layers.Dense(3, name="hidden")(tensor)
    return keras.Model([tensor], {"y": keras.ops.relu(hidden)})


def test_base_classes_contain_their_layers() -> None:
    assert issubclass(keras.layers.Concatenate, keras_private.MergeLayer)
    assert issubclass(keras.layers.ConvLSTM2D, keras_private.ConvLSTM)
    assert issubclass(keras.layers.RandomRotation, keras_private.ImageLayer)
    for base in (keras_private.MergeLayer, keras_private.ConvLSTM, keras_private.ImageLayer):
        assert base is not keras.Layer
        assert not issubclass(keras.layers.Dense, base)
    assert issubclass(keras_private.LayerScale, keras.Layer)
    assert issubclass(keras_private.CustomScaleLayer, keras.Layer)


def test_folders_and_files_of_classes_are_known() -> None:
    assert keras_private.get_folder(keras.layers.Dense) == "core"
    assert keras_private.get_folder(keras_private.LayerScale) == "applications"
    assert keras_private.is_defined_in(keras.layers.Flatten, "reshaping")
    assert not keras_private.is_defined_in(keras.initializers.Zeros, "reshaping")
    assert keras_private.get_file(keras.ops.mean) == "numpy"


def test_image_layers_are_recognized() -> None:
    assert keras_private.is_image_layer(keras.layers.RandomFlip())
    assert not keras_private.is_image_layer(keras.layers.Dense(1))


def test_masks_are_read_and_set() -> None:
    tensor = keras.layers.Embedding(5, 2, mask_zero=True)(keras.Input([3], dtype="int32"))
    assert keras_private.is_symbolic(keras_private.get_mask(tensor))
    array = keras.ops.zeros([2, 3])
    assert keras_private.get_mask(array) is None
    mask = keras.ops.ones([2, 3], dtype="bool")
    keras_private.set_mask(array, mask)
    assert keras_private.get_mask(array) is mask


def test_dtype_and_density_of_a_symbolic_tensor_are_set() -> None:
    tensor = keras.KerasTensor([2], "float32", sparse=True)
    keras_private.set_dtype(tensor, "int32")
    keras_private.mark_dense(tensor)
    assert tensor.dtype == "int32"
    assert not tensor.sparse


def test_operations_of_a_graph_are_found() -> None:
    model = functional()
    tensor = model.output["y"]
    assert keras_private.is_symbolic(tensor)
    assert not keras_private.is_symbolic(np.zeros(1))
    operation = keras_private.get_operation(tensor)
    assert isinstance(operation, keras.Operation)
    call = keras_private.get_first_call(operation)
    assert call.output_tensors == [tensor]
    (hidden,) = call.input_tensors
    assert keras_private.get_operation(hidden) is model.get_layer("hidden")
    assert call.arguments.args == (hidden,)


def test_initializer_of_a_variable_without_a_value_is_found() -> None:
    with keras.StatelessScope(initialize_variables=False):
        layer = keras.layers.Dense(3, kernel_initializer="orthogonal")
        layer.build([None, 4])
    initializer = keras_private.get_initializer(layer.kernel)
    assert isinstance(initializer, keras.initializers.Orthogonal)


def test_variables_seed_generators_and_inner_layers_are_found() -> None:
    inner = keras.layers.BatchNormalization()
    outer = keras.layers.TimeDistributed(inner)
    outer.build([None, 3, 4])
    assert keras_private.get_inner_layers(outer) == (inner,)
    assert keras_private.get_own_variables(outer) == ()
    assert {v.name for v in keras_private.get_own_variables(inner)} == {
        "gamma", "beta", "moving_mean", "moving_variance",
    }  # fmt: skip
    assert {v.name for v in keras_private.get_own_non_trainable_variables(inner)} == {
        "moving_mean", "moving_variance",
    }  # fmt: skip
    assert inner in keras_private.get_all_layers(outer)
    dropout = keras.layers.Dropout(0.5)
    assert keras_private.get_seed_generators(dropout) == (dropout.seed_generator,)
    for name in keras_private.TRACKED_LISTS:
        assert isinstance(getattr(outer, name), list)


def test_layer_is_untracked() -> None:
    outer = keras.layers.Bidirectional(keras.layers.LSTM(2))
    keras_private.untrack(outer, outer.forward_layer)
    assert keras_private.get_inner_layers(outer) == (outer.backward_layer,)


@pytest.mark.parametrize("is_kept", [True, False])
def test_constant_training_is_kept(is_kept: bool) -> None:
    tensor = keras.Input([64])
    inner = keras.Model(tensor, keras.layers.Dropout(0.5)(tensor, training=True))
    if is_kept:
        keras_private.keep_call_arguments(inner)
    outer = keras.Model(tensor, inner(tensor))
    output = np.asarray(outer(np.ones([1, 64]), training=False))
    assert bool((output == 0).any()) is is_kept


def test_model_runs_on_other_inputs() -> None:
    model = functional()
    given = [keras.KerasTensor([7, 4])]
    result = keras_private.run_operations(model, given, lambda op: op.compute_output_spec)
    assert result["y"].shape == (7, 3)


def test_compiled_model_builds_and_computes_its_loss() -> None:
    model = functional()
    model.compile("adam", {"y": "mse"})
    batch = ([keras.KerasTensor([2, 4])], {"y": keras.KerasTensor([2, 3])}, None)
    keras_private.build_training(model, batch)
    assert len(model.optimizer.variables) > 2
    targets, outputs = {"y": np.ones([2, 3])}, {"y": keras.ops.zeros([2, 3])}
    loss = keras_private.compute_loss(model, targets, outputs, None)
    assert float(loss) == 1
    model.reset_metrics()
    keras_private.update_loss_metric(model, loss, 2)
    assert float(model.metrics[0].result()) == 1


def test_arguments_of_calls_are_known() -> None:
    flatten, normalization = keras.layers.Flatten(), keras.layers.BatchNormalization()
    assert not keras_private.takes_call_argument(flatten, "training")
    assert keras_private.takes_call_argument(normalization, "training")
    assert keras_private.takes_call_argument(normalization, "mask")


def test_images_are_resized_as_by_the_public_function() -> None:
    images = np.random.default_rng(0).random((1, 2, 3, 1)).astype(np.float32)
    found = keras_private.resize_images(images, (4, 6), "bilinear")
    np.testing.assert_array_equal(found, keras.ops.image.resize(images, (4, 6)))


def test_method_that_resizes_images_is_replaced() -> None:
    class Scaling(keras.layers.UpSampling2D):
        pass

    keras_private.set_resize_method(Scaling, lambda own: lambda self, x, *rest, **named: x)
    images = np.ones((1, 2, 3, 1), np.float32)
    assert Scaling(2)(images).shape == (1, 2, 3, 1)
