"""Names of the functions that other packages run in a process that has imported Keras.

`application` must not import `compiler`, so it passes these names to a child process.
"""

from enum import StrEnum

PRELOAD = "compiler.preload"
"""Imports Keras and TensorFlow; a forkserver imports it first."""
MODULE = "compiler.entrypoints"
"""Defines every function below."""


class Entrypoint(StrEnum):
    """A function of `compiler.entrypoints`, by its dotted name."""

    CHECK_GRAPH = f"{MODULE}.check_graph"
    DESCRIBE_LAYERS = f"{MODULE}.describe_layers"
    DESCRIBE_OPS = f"{MODULE}.describe_ops"
    DESCRIBE_COMPONENTS = f"{MODULE}.describe_components"
    READ_KERAS_JSON = f"{MODULE}.read_keras_json"
    WRITE_KERAS_JSON = f"{MODULE}.write_keras_json"
    OPEN_MODEL = f"{MODULE}.open_model"
    FIND_MISFIT = f"{MODULE}.find_misfit"
    EXPORT_KERAS = f"{MODULE}.export_keras"
    EXPORT_ONNX = f"{MODULE}.export_onnx"
