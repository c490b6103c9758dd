"""TensorFlow Serving's REST forms of a model's status and metadata."""

from typing import Literal

from domain.contract import Result
from domain.graph.summary import Tensor
from domain.model import Model

SIGNATURE = "serving_default"
_DTYPES = {
    "float16": "DT_HALF",
    "float32": "DT_FLOAT",
    "float64": "DT_DOUBLE",
}
"""The names of dtypes whose names differ from NumPy's."""


class Status(Result):
    """The error of a version; there is none."""

    error_code: Literal["OK"] = "OK"
    error_message: Literal[""] = ""


class VersionStatus(Result):
    """The status of a version."""

    version: Literal["1"] = "1"
    """A model never changes, so it has one version."""
    state: Literal["AVAILABLE"] = "AVAILABLE"
    status: Status = Status()


class ModelStatus(Result):
    """The status of a model."""

    model_version_status: list[VersionStatus] = [VersionStatus()]


class Dimension(Result):
    """The length of an axis."""

    size: str
    """A whole number as text; -1 for an unknown length."""
    name: Literal[""] = ""


class TensorShape(Result):
    """The shape of a tensor, with the axis of rows."""

    dim: list[Dimension]
    unknown_rank: Literal[False] = False


class TensorInfo(Result):
    """An input or output."""

    dtype: str
    """TensorFlow's name: `DT_FLOAT`."""
    tensor_shape: TensorShape
    name: str

    @classmethod
    def of(cls, tensor: Tensor) -> "TensorInfo":
        """Describes a tensor."""
        sizes = [Dimension(size=str(-1 if axis is None else axis)) for axis in tensor.shape]
        dtype = _DTYPES.get(tensor.dtype, f"DT_{tensor.dtype.upper()}")
        return cls(dtype=dtype, tensor_shape=TensorShape(dim=sizes), name=tensor.name)


class SignatureDefinition(Result):
    """The inputs and outputs of a model by name."""

    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]
    method_name: Literal["tensorflow/serving/predict"] = "tensorflow/serving/predict"


class SignatureMap(Result):
    """The signatures of a model by name."""

    signature_def: dict[str, SignatureDefinition]


class ModelSpec(Result):
    """The name and the version of a model."""

    name: str
    signature_name: Literal[""] = ""
    version: Literal["1"] = "1"


class Metadata(Result):
    """The metadata of a model."""

    signature_def: SignatureMap


class ModelMetadata(Result):
    """The signature of a model."""

    model_spec: ModelSpec
    metadata: Metadata

    @classmethod
    def of(cls, model: Model) -> "ModelMetadata":
        """Describes a model."""
        signature = SignatureDefinition(
            inputs={tensor.name: TensorInfo.of(tensor) for tensor in model.signature.inputs},
            outputs={tensor.name: TensorInfo.of(tensor) for tensor in model.signature.outputs},
        )
        signatures = SignatureMap(signature_def={SIGNATURE: signature})
        metadata = Metadata(signature_def=signatures)
        return cls(model_spec=ModelSpec(name=model.id), metadata=metadata)
