"""The TensorFlow operations that ONNX is known to compute as TensorFlow does.

`tests/compiler/inference/test_onnx_sweep.py` compares each of them on edge values: negatives,
zeros, halves, large and limit values, NaN and infinities. Predictions of a model with another
operation are computed by Keras.
"""

from collections.abc import Collection, Iterable

from compiler.inference.graph_operations import Use

_FLOAT = frozenset({"float32"})
_ANY = frozenset({"bool", "float32", "float64", "int32", "int64", "variant"})

_OF_FLOATS = """
    Abs.x AddN.inputs AddV2.x AddV2.y Asinh.x Atan.x AvgPool.value AvgPool3D.input
    BatchMatMulV2.x BatchMatMulV2.y BatchToSpaceND.input BiasAdd.value Ceil.x Conv2D.input
    Conv2DBackpropInput.out_backprop Conv3D.input Conv3DBackpropInputV2.out_backprop Cos.x
    Cosh.x DepthwiseConv2dNative.input DivNoNan.x Einsum.inputs Elu.features Equal.x Equal.y
    Erf.x Exp.x Floor.x FusedBatchNormV3.x Greater.x Greater.y GreaterEqual.x GreaterEqual.y
    IsFinite.x IsInf.x IsNan.x LeakyRelu.features Less.x Less.y LessEqual.x LessEqual.y
    Log.positive LogSoftmax.logits MatMul.a MatMul.b Maximum.x Maximum.y Mean.input Minimum.x
    Minimum.y Mul.x Mul.y Neg.x NotEqual.x NotEqual.y RealDiv.positive RealDiv.x
    Reciprocal.positive Relu.features Relu6.features Round.x Rsqrt.positive SelectV2.e
    SelectV2.t Selu.features Sigmoid.x Sign.x Sin.x Sinh.x Softmax.logits Softplus.features
    Softsign.features SpaceToBatchND.input Sqrt.positive Square.x SquaredDifference.x
    SquaredDifference.y Sub.x Sub.y Sum.input Tanh.x
"""
"""Operations of floats.

Not among them are operations whose results depend much on values near zero: `Log`, `Reciprocal`,
`Rsqrt`, `Sqrt` and the divisor of `RealDiv`, unless their argument is known to be positive.
TensorFlow takes floats below 1.2e-38 for zero, and ONNX does not.
"""
_OF_FINITE_FLOATS = """
    MatrixBandPart.input Max.input MaxPool.input MaxPool3D.input Min.input ResizeBilinear.images
    TopKV2.input
"""
"""Operations that compute otherwise than TensorFlow from NaN and infinities only.

The `LSTM` of onnxruntime, which replaces a loop with `TensorListGetItem`, is another one.
"""
_OF_ANYTHING = """
    BroadcastTo.input ConcatV2.values ExpandDims.input GatherV2.params Identity.input
    IdentityN.input Pack.values Pad.input PadV2.input Reshape.tensor
    ReverseV2.tensor Split.value SplitV.value Squeeze.input StopGradient.input StridedSlice.input
    Tile.input Transpose.x Unpack.value TensorListFromTensor.tensor
    TensorListSetItem.input_handle TensorListSetItem.item TensorListStack.input_handle
"""
"""Operations that move values and do not compute."""
_OF_KNOWN_LENGTHS = "ResizeNearestNeighbor.images"
"""Operations that are compared at the lengths of the model, and may differ at others.

Both engines round the position of a pixel, and a position may lie between two pixels.
"""
_OF_OTHERS = """
    All.input:bool Any.input:bool
    Cast.x:bool>float32 Cast.x:bool>int32 Cast.x:float32>bool Cast.x:float64>float32
    Cast.x:int16>float32 Cast.x:int32>float32 Cast.x:int64>float32 Cast.x:int64>int32
    Cast.x:int8>float32 Cast.x:uint16>float32 Cast.x:uint8>float32 Equal.x:int32 Equal.y:int32
    LogicalAnd.x:bool LogicalAnd.y:bool LogicalNot.x:bool LogicalOr.x:bool LogicalOr.y:bool
    NotEqual.x:int32 NotEqual.y:int32 SelectV2.condition:bool
    SelectV2.e:int32 SelectV2.t:int32 AddV2.x:int32 AddV2.y:int32
"""
_OF_VALID_INDICES = """
    AddV2.valid-indices:int32 Cast.valid-indices:bool>float32 Cast.valid-indices:bool>int32
    Cast.valid-indices:float32>int32 Cast.valid-indices:float64>int32
    Cast.valid-indices:int16>float32 Cast.valid-indices:int16>int32
    Cast.valid-indices:int32>float32 Cast.valid-indices:int64>float32
    Cast.valid-indices:int64>int32 Cast.valid-indices:int8>float32 Cast.valid-indices:int8>int32
    Cast.valid-indices:uint16>float32 Cast.valid-indices:uint16>int32
    Cast.valid-indices:uint32>int32 Cast.valid-indices:uint8>float32
    Cast.valid-indices:uint8>int32 GatherV2.valid-indices:int32 GatherV2.valid-indices:int64
    AddV2.valid-indices:int64 Less.valid-indices:int32 Less.valid-indices:int64
    SelectV2.valid-indices:bool SelectV2.valid-indices:int32 SelectV2.valid-indices:int64
"""
"""Operations of indices that are known to lie in a table; ONNX computes large ones otherwise."""
_MAKE_NON_FINITE = frozenset({"Cosh.x", "Exp.x", "Sinh.x"})
"""Operations whose results may be infinite although the arguments have usual magnitudes."""


def _read(text: str, dtypes: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, dtype) for name in text.split() for dtype in dtypes)


def _read_pairs(text: str) -> frozenset[tuple[str, str]]:
    pairs = (item.split(":") for item in text.split())
    return frozenset((name.replace("-", " "), dtype) for name, dtype in pairs)


EQUAL = (
    _read(_OF_FLOATS, _FLOAT)
    | _read(_OF_ANYTHING, _ANY)
    | _read_pairs(_OF_OTHERS)
    | _read_pairs(_OF_VALID_INDICES)
)
EQUAL_IF_FINITE = _read(_OF_FINITE_FLOATS, _FLOAT) | {("TensorListGetItem.input_handle", "variant")}


def find_differing(uses: Collection[Use], *, has_unknown_lengths: bool = False) -> Use | None:
    """Find an operation that ONNX may compute otherwise than TensorFlow.

    Args:
        uses: The arguments of a model's operations that depend on the rows.
        has_unknown_lengths: Whether an input of the model has an unknown length.

    Returns:
        An argument of such an operation; None if there is none.
    """
    known = EQUAL if _makes_non_finite(uses) else EQUAL | EQUAL_IF_FINITE
    known |= frozenset() if has_unknown_lengths else _read(_OF_KNOWN_LENGTHS, _FLOAT)
    return next((use for use in sorted(uses) if _describe(use) not in known), None)


def needs_finite_values(uses: Collection[Use]) -> bool:
    """Return whether ONNX is known to be equal only without NaN and infinities."""
    return any(_describe(use) in EQUAL_IF_FINITE for use in uses)


def _makes_non_finite(uses: Collection[Use]) -> bool:
    return any(_describe(use)[0] in _MAKE_NON_FINITE for use in uses)


def _describe(use: Use) -> tuple[str, str]:
    return f"{use.operation}.{use.argument}", use.dtype
