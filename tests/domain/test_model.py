from domain.model import Preparation


def test_a_model_keeps_the_preparation_of_the_model_that_it_starts_from() -> None:
    source = Preparation(
        classes={"y": ["a", "b"], "gone": ["c", "d"]},
        thresholds={"y": 0.0, "gone": 0.5},
        missing={"x": 3.0, "z": "Ulm"},
    )
    own = Preparation(classes={"w": [1, 2]}, thresholds={"w": 0.5}, missing={"x": 4.0})
    assert source.update(own, ["y", "w"]) == Preparation(
        classes={"y": ["a", "b"], "w": [1, 2]},
        thresholds={"y": 0.0, "w": 0.5},
        missing={"x": 4.0, "z": "Ulm"},
    )
    again = Preparation(classes={"y": ["b", "a"]}, thresholds={"y": 0.5})
    assert source.update(again, ["y"]).classes == {"y": ["b", "a"]}
    assert source.update(again, ["y"]).thresholds == {"y": 0.5}
