"""The check refuses graphs that Keras builds but can neither train nor predict with."""

from typing import Any

import pytest

from compiler.check import check
from compiler.model.size_limits import SizeCounter
from domain.check import CheckRequest
from tests.compiler.graphs import blueprint, find_faults, graph, layer, node

PICTURE = [8, 8, 3]
ORTHOGONAL = {"type": "OrthogonalRegularizer"}
CONV = {"filters": 2, "kernel_size": 1}
FAR = {"type": "MaxNorm", "config": {"axis": 5}}
UNEVEN = {
    "layer": layer("LSTM", units=2),
    "backward_layer": layer("GRU", units=3, go_backwards=True),
}
MASKED = node("masked", layer("Masking"), "x")


def typed(shape: list[int | None], dtype: str, nodes: list[Any]) -> dict[str, Any]:
    return {
        "inputs": [{"name": name, "shape": shape, "dtype": dtype} for name in ("x", "y")],
        "nodes": [*nodes, op("other", "copy", "y")],
        "outputs": [nodes[-1]["name"], "other"],
    }


def op(name: str, function: str, inputs: Any, **config: Any) -> dict[str, Any]:
    return {"name": name, "op": function, "inputs": inputs, "config": config}


def find_detail(definition: Any) -> str:
    """Return the detail of the only fault."""
    request = CheckRequest(blueprint=blueprint(definition))
    (fault,) = check(request, SizeCounter(request.limits)).faults
    return fault.detail


@pytest.mark.parametrize(
    ("kind", "config", "shape", "reason"),
    [
        ("AdaptiveMaxPooling1D", {"output_size": 2}, [4, 4, 4], "it takes 3 axes"),
        ("AdaptiveAveragePooling3D", {"output_size": 2}, [4, 4], "[null, 4, 4]"),
        ("AdaptiveMaxPooling1D", {"output_size": 2}, [None, 3], "statically known"),
        ("CutMix", {}, [1], "an image in each row"),
        ("AugMix", {"value_range": [0, 1]}, [8, 8, 2], "1 or 3 channels"),
        ("MelSpectrogram", {"fft_length": 64}, [4, 256], "not [null, 128, 1]"),
        ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [3, 4]}, [3, 5, 2], "does not"),
        (
            "AveragePooling3D",
            {"pool_size": 2, "dtype": "float16"},
            [4, 4, 4, 1],
            "AvgPool3D of float16",
        ),
        ("Discretization", {"bin_boundaries": [0.5], "output_mode": "one_hot"}, [None], "null"),
        ("Conv1DTranspose", {**CONV, "dilation_rate": 2}, [4, 3], "'dilation_rate'"),
        ("Conv2DTranspose", {**CONV, "dilation_rate": [1, 2]}, [4, 4, 3], "'dilation_rate'"),
        ("Conv3DTranspose", {**CONV, "dilation_rate": 2}, [4, 4, 4, 3], "'dilation_rate'"),
        ("Conv1D", {"filters": 4, "kernel_size": 3, "kernel_initializer": "stft"}, [7, 3], "STFT"),
        ("Dense", {"units": 2, "bias_regularizer": ORTHOGONAL}, [3], "'bias' is of shape [2]"),
        ("Dense", {"units": 2, "activity_regularizer": ORTHOGONAL}, [3, 4], "the layer's output"),
        ("Dense", {"units": 2, "kernel_constraint": FAR}, [3], "'kernel' along [5]"),
        ("Dense", {"units": 2, "bias_constraint": FAR}, [3], "'bias' along [5]"),
        ("LSTM", {"units": 2, "recurrent_constraint": FAR}, [3, 2], "'recurrent_kernel' along [5]"),
        ("DepthwiseConv2D", {"kernel_size": 3, "strides": [1, 2]}, PICTURE, "equal strides"),
        ("SeparableConv2D", {**CONV, "strides": [2, 1]}, PICTURE, "equal strides"),
        ("UnitNormalization", {"axis": [1, -2]}, [3, 3], "each axis once"),
        ("Bidirectional", {**UNEVEN, "merge_mode": "sum"}, [3, 2], "does not take"),
        ("Bidirectional", {**UNEVEN, "merge_mode": "concat"}, [3, 2], "not [null, 4]"),
        ("TimeDistributed", {"layer": layer("CutMix")}, [3, 1], "an image in each row"),
        ("Conv1D", {**CONV, "autocast": False, "dtype": "float16"}, [3, 2], "does not take"),
    ],
)
def test_layer_that_fails_when_it_computes_is_refused(
    kind: str, config: Any, shape: Any, reason: str
) -> None:
    definition = graph({"x": shape}, [node("it", layer(kind, **config), "x")], ["it"])
    assert reason in find_detail(definition)


@pytest.mark.parametrize("axis", [-1, 1, [1, 2]])
def test_softmax_over_masked_features_is_refused(axis: Any) -> None:
    made = node("it", layer("Softmax", axis=axis), "masked")
    definition = graph({"x": [5, 5]}, [MASKED, made], ["it"])
    assert "`mask` must be broadcastable" in find_detail(definition)


@pytest.mark.parametrize(
    ("function", "inputs", "config", "dtype", "reason"),
    [
        ("nancumsum", "x", {"axis": 3}, "float32", "needs an axis from -3 to 2"),
        ("nancumprod", "x", {"axis": -4}, "float32", "needs an axis"),
        ("layer_normalization", "x", {"axis": [1, -2]}, "float32", "each axis once"),
        ("cdist", ["x", "y"], {}, "uint8", "cast them first"),
        ("image.ssim", ["x", "y"], {}, "uint8", "takes floats, not uint8"),
        ("einsum", ["x", "y"], {"subscripts": "abc,abc->ab"}, "bool", "no Einsum of bool"),
        ("softmax", "x", {}, "bool", "bool"),
        ("tensordot", ["x", "y"], {}, "float32", "rows only"),
        ("bincount", "x", {"weights": 1}, "int32", "needs weights"),
    ],
)
def test_function_that_fails_when_it_computes_is_refused(
    function: str, inputs: Any, config: Any, dtype: str, reason: str
) -> None:
    definition = typed([4, 4], dtype, [op("it", function, inputs, **config)])
    assert reason in find_detail(definition)


def test_axis_mirrored_beyond_its_length_is_refused() -> None:
    made = op("it", "pad", "x", pad_width=[[0, 0], [5, 0]], mode="reflect")
    assert "mirrored by at most 3, not by 5" in find_detail(graph({"x": [4]}, [made], ["it"]))


def test_vocabulary_indices_are_integers() -> None:
    """Keras states floats for the indices, and would fail in training."""
    nodes = [
        node("number", layer("IntegerLookup", vocabulary=[3, 4]), "x"),
        node("it", layer("Conv1D", **CONV), "number"),
    ]
    assert "int64" in find_detail(typed([4, 1], "int64", nodes))


def test_nested_graph_returns_each_output_in_its_own_dtype() -> None:
    inner = typed([4], "int64", [node("z", layer("IntegerLookup", vocabulary=[3, 4]), "x")])
    inner["nodes"][-1] = node("a", layer("Embedding", input_dim=3, output_dim=2), "y")
    inner["outputs"] = ["z", "a"]
    nodes = [node("g", {"type": "Graph", "graph": inner}, ["x", "y"])]
    definition = typed([4], "int64", nodes)
    definition["outputs"] = [{"name": name, "from": f"g:{name}"} for name in "az"] + ["other"]
    request = CheckRequest(blueprint=blueprint(definition))
    summary = check(request, SizeCounter(request.limits)).summary
    assert summary is not None
    assert [item.dtype for item in summary.outputs] == ["float32", "int64", "int64"]


def test_mean_of_masked_features_is_refused() -> None:
    made = node("it", layer("GlobalAveragePooling1D", data_format="channels_first"), "masked")
    assert "does not take" in find_detail(graph({"x": [5, 4]}, [MASKED, made], ["it"]))


def test_count_weights_must_have_the_shape_of_the_inputs() -> None:
    made = layer("CategoryEncoding", num_tokens=4, output_mode="count")
    calls = [node("it", made, {"inputs": "x", "count_weights": "w"})]
    definition = graph({"x": [3], "w": [2]}, calls, ["it"])
    definition["inputs"][0]["dtype"] = "int32"
    assert "of the shape of 'inputs', [null, 3]" in find_detail(definition)


@pytest.mark.parametrize("index", [3, -4])
@pytest.mark.parametrize("function", ["take", "take_along_axis"])
def test_indices_outside_an_axis_are_refused(function: str, index: int) -> None:
    indices = [index] if function == "take" else [[index]]
    made = op("it", function, "x", indices=indices, axis=1)
    assert "from -3 to 2" in find_detail(graph({"x": [3]}, [made], ["it"]))


def test_regularizer_that_fits_its_weight_is_accepted() -> None:
    made = node("it", layer("Dense", units=2, kernel_regularizer=ORTHOGONAL), "x")
    assert find_faults(graph({"x": [3]}, [made], ["it"])) == {}


@pytest.mark.parametrize("function", ["tril", "triu"])
def test_triangle_of_single_numbers_is_refused(function: str) -> None:
    assert "two axes" in find_detail(graph({"x": []}, [op("it", function, "x")], ["it"]))


def test_inverse_transform_to_no_values_is_refused() -> None:
    """TensorFlow would crash."""
    made = op("it", "irfft", {"x": ["x", "x"]})
    assert "at least 2" in find_detail(graph({"x": [1]}, [made], ["it"]))


def test_concatenation_of_single_numbers_is_refused() -> None:
    made = node("it", layer("Concatenate"), ["x", "y"])
    assert "one row for each" in find_detail(graph({"x": [], "y": []}, [made], ["it"]))


def test_softmax_of_six_axes_is_refused() -> None:
    shape: list[int | None] = [2, 2, 2, 2, 2]
    assert "at most 5 axes" in find_detail(graph({"x": shape}, [op("it", "softmax", "x")], ["it"]))


@pytest.mark.parametrize(
    ("made", "shape", "rows"),
    [
        (op("it", "reshape", "x", newshape=[-1, 2]), [2, 2], "for 7919 rows it has 15838"),
        (op("it", "reshape", "x", newshape=[-1, 12]), [4], "certain numbers of rows only"),
        (op("it", "cumsum", "x"), [4], "one row for each row"),
        (op("it", "cumsum", "x"), [None, 4], "one row for each row"),
        (op("it", "get_item", "x", key=":1"), [4], "one row for each row"),
    ],
)
def test_outputs_without_one_row_for_each_input_row_are_refused(
    made: Any, shape: Any, rows: str
) -> None:
    assert rows in find_detail(graph({"x": shape}, [made], ["it"]))


def test_rows_combined_with_another_axis_are_refused() -> None:
    definition = graph({"x": [4], "y": []}, [op("it", "add", ["x", "y"])], ["it"])
    assert find_faults(definition).keys() == {"/nodes/0"}


def test_rows_may_be_merged_and_split_again() -> None:
    nodes = [
        op("flat", "reshape", "x", newshape=[-1, 4]),
        node("dense", layer("Dense", units=3), "flat"),
        op("it", "reshape", "dense", newshape=[-1, 2, 3]),
    ]
    assert find_faults(graph({"x": [2, 4]}, nodes, ["it"])) == {}


def test_network_with_unknown_lengths_keeps_its_rows() -> None:
    nodes = [
        node("half", layer("MaxPooling1D", pool_size=2), "x"),
        node("whole", layer("UpSampling1D", size=2), "half"),
        op("it", "add", ["x", "whole"]),
    ]
    assert find_faults(graph({"x": [None, 3]}, nodes, ["it"])) == {}


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (layer("Bidirectional", layer=layer("Dense", units=3)), "GRU, LSTM, RNN, SimpleRNN"),
        (layer("RNN", cell=layer("Dense", units=3)), "RNN holds a cell (GRUCell"),
        (layer("Normalization", mean=[1, 2], variance=[1, 2]), "1 number or 4"),
        (layer("PReLU", shared_axes=[7]), "too few or too many axes"),
    ],
)
def test_refusal_says_what_a_layer_takes(made: Any, reason: str) -> None:
    assert reason in find_detail(graph({"x": [5, 4]}, [node("it", made, "x")], ["it"]))


def test_one_hot_encoding_needs_a_known_length() -> None:
    made = layer("CategoryEncoding", num_tokens=4)

    def encode(*shape: int | None, mode: str) -> dict[str, str]:
        made["config"]["output_mode"] = mode
        return find_faults(graph({"x": [*shape]}, [node("it", made, "x")], ["it"]))

    assert "a known length of the last axis" in str(encode(None, mode="one_hot"))
    assert "a known length of the last axis" in str(encode(3, None, mode="one_hot"))
    assert encode(None, 3, mode="one_hot") == {}
    assert encode(None, mode="multi_hot") == {}


def test_states_of_a_recurrent_layer_need_a_name() -> None:
    made = node("it", layer("LSTM", units=3), ["x", "h", "c"])
    assert '"initial_state"' in find_detail(
        graph({"x": [5, 4], "h": [3], "c": [3]}, [made], ["it"])
    )


@pytest.mark.parametrize(
    ("made", "inputs"),
    [
        (layer("AugMix", value_range=[0, 1]), {"data": ["x", "y"]}),
        (layer("RandomBrightness", factor=0.1), ["x", "y"]),
        (layer("UnitNormalization"), ["x", "y"]),
        (layer("Normalization", mean=0.0, variance=1.0), ["x", "y"]),
    ],
)
def test_list_of_tensors_for_a_layer_of_one_is_refused(made: Any, inputs: Any) -> None:
    nodes = [node("a", made, inputs)]
    assert find_detail(graph({"x": [4], "y": [4]}, nodes, ["a"]))


@pytest.mark.parametrize(
    ("function", "inputs", "config"),
    [
        ("take", {"indices": "x"}, {"x": 5, "axis": 0}),
        ("array_split", "x", {"indices_or_sections": 2, "axis": 1}),
        ("tril", "x", {"k": 100}),
    ],
)
def test_check_of_unusual_constants_raises_no_exception(
    function: str, inputs: Any, config: Any
) -> None:
    definition = {
        "inputs": [{"name": "x", "shape": [None], "dtype": "int32"}],
        "nodes": [op("a", "copy", "x"), {**op("b", function, inputs), "config": config}],
        "outputs": ["a", "b"],
    }
    request = CheckRequest(blueprint=blueprint(definition))
    check(request, SizeCounter(request.limits))  # returns a summary or faults, and raises nothing
