"""The message that names the file of a model to a prediction process."""

from dataclasses import dataclass
from typing import Literal

EngineName = Literal["onnxruntime", "keras"]


@dataclass(frozen=True)
class ModelFile:
    """The file of a model, for one engine. A model's files never change."""

    model_id: str
    engine: EngineName
    path: str
    """The ONNX file, or the weights; it must exist when the model is opened."""
    blueprint_json: str
    """The model's `Blueprint` for Keras, else empty."""
