"""The columns that a predict job makes."""

from domain.dataset import Column
from domain.graph.summary import Tensor
from domain.job.inference.outputs import (
    find_keep_faults,
    find_unknown_lengths,
    name_class_columns,
)


def test_a_column_of_classes_takes_no_name_of_an_output() -> None:
    outputs = ["a", "a_class", "b"]
    assert name_class_columns(outputs, ["a", "b"]) == {"a": "a_class_", "b": "b_class"}


def test_columns_are_kept_once_if_they_exist_and_are_not_made() -> None:
    found = dict(find_keep_faults(["id", "y", "id", "idd"], ["id", "y", "x"], ["y", "y_class"]))
    assert found.keys() == {("keep", 1), ("keep", 2), ("keep", 3)}
    assert "Did you mean 'id'" in found["keep", 3]


def test_one_length_of_an_output_may_be_unknown() -> None:
    def tensor(*shape: int | None) -> Tensor:
        return Tensor(name="y", shape=[None, *shape], dtype="float32")

    ragged = {"x": Column(name="x", dtype="int32", shape=[None], min=0, max=1)}
    whole = {"x": Column(name="x", dtype="int32", shape=[5], min=0, max=1)}
    assert not list(find_unknown_lengths([tensor(None, 3)], ragged))
    assert not list(find_unknown_lengths([tensor(None, None)], whole))
    ((place, detail),) = find_unknown_lengths([tensor(4, None)], ragged)
    assert place == ("model",)
    assert "[4, null]" in detail
