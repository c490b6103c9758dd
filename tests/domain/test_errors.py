"""The nearest name to a misspelt one is that with the same words."""

import pytest

from domain.errors import LONGEST_POINTER, Fault, did_you_mean

LOSSES = (
    "binary_crossentropy",
    "categorical_crossentropy",
    "mse",
    "sparse_categorical_crossentropy",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy",
)
FIT = ("epochs", "batch_size", "validation_split", "shuffle", "callbacks", "class_weight")
LAYER = ("filters", "kernel_size", "use_bias", "activation")


@pytest.mark.parametrize(
    ("word", "known", "nearest"),
    [
        ("sparse_crossentropy", LOSSES, "sparse_categorical_crossentropy"),
        ("sparse_crossentopy", LOSSES, "sparse_categorical_crossentropy"),
        ("SparseCrossentropy", LOSSES, "SparseCategoricalCrossentropy"),
        ("categorical_crossentrop", LOSSES, "categorical_crossentropy"),
        ("binary_crosentropy", LOSSES, "binary_crossentropy"),
        ("msee", LOSSES, "mse"),
        ("epoch", FIT, "epochs"),
        ("batch", FIT, "batch_size"),
        ("BATCH_SIZE", FIT, "batch_size"),
        ("num_filters", LAYER, "filters"),
        ("use_bais", LAYER, "use_bias"),
        ("LeakyRelu", ("LeakyReLU", "ReLU"), "LeakyReLU"),
        ("MaxPool2D", ("MaxPooling1D", "MaxPooling2D"), "MaxPooling2D"),
    ],
)
def test_the_nearest_name_has_the_words_of_the_misspelt_one(
    word: str, known: tuple[str, ...], nearest: str
) -> None:
    assert did_you_mean(word, known) == f" Did you mean '{nearest}'?"


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("validation_freq", FIT),
        ("input_dim", ("output_dim",)),
        ("verbose", FIT),
        ("b" * 101, ("b" * 100,)),
    ],
)
def test_a_name_that_means_something_else_is_not_offered(word: str, known: tuple[str, ...]) -> None:
    assert did_you_mean(word, known) == ""


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/columns/x/3", "/columns/x/3"),
        ("/columns/" + "n" * (LONGEST_POINTER - 9), "/columns/" + "n" * (LONGEST_POINTER - 9)),
        ("/columns/" + "n" * (LONGEST_POINTER - 8), "/columns"),
        ("/a/" + "n" * 10**6 + "/3", "/a"),
        ("/" + "n" * 10**6, ""),
    ],
)
def test_a_fault_at_a_very_long_key_points_around_it(given: str, kept: str) -> None:
    assert Fault(pointer=given, detail="x").pointer == kept
