"""The default limits admit every architecture of `keras.applications`."""

import json
from math import prod
from typing import Any

import keras
import pytest

from application.settings import Settings
from application.submission.expand import get_graph_limits
from compiler.entrypoints import check_graph
from compiler.keras_json.read import read
from domain.check import CheckRequest, CheckResult, SizeLimits
from domain.graph.language import Blueprint
from tests.compiler.keras_json.architectures import ARCHITECTURES, without_weights

SETTINGS = Settings()
LIMITS = SizeLimits(
    parameters=SETTINGS.max_parameters,
    weight_bytes=SETTINGS.max_weight_bytes,
    activation_bytes=SETTINGS.max_activation_bytes,
    unrolled_steps=SETTINGS.max_calls,
)
LARGEST_ROW = 4_180_132_780
"""Bytes of the activations of one image of `EfficientNetB7`, the most of all architectures."""
MOST_PARAMETERS = 350_196_968
"""Parameters of `ConvNeXtXLarge`."""
MOST_NODES = 1_040
"""Nodes of `NASNetLarge`."""


def test_the_largest_numbers_of_all_architectures_are_within_the_limits() -> None:
    assert SETTINGS.max_activation_bytes >= LARGEST_ROW
    assert SETTINGS.max_parameters >= MOST_PARAMETERS
    assert SETTINGS.max_weight_bytes >= 4 * MOST_PARAMETERS
    assert SETTINGS.max_nodes >= MOST_NODES


def count_in_keras(model: Any) -> int:
    """Returns the bytes of one row of the outputs of all layers and functions, in float32.

    An open length counts as 1; the layers inside a nested model are left out.
    """
    called = [item for item in model.operations if not isinstance(item, keras.layers.InputLayer)]
    return sum(
        4 * prod(axis or 1 for axis in tensor.shape[1:])
        for item in called
        for tensor in item._inbound_nodes[0].outputs
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_within_the_default_limits(name: str) -> None:
    with without_weights():
        model = ARCHITECTURES[name](weights=None)
        text, activations = model.to_json(), count_in_keras(model)
    reading = read(text, get_graph_limits(SETTINGS))
    assert reading.faults == []
    assert reading.definition is not None
    blueprint = Blueprint(definition=reading.definition)
    request = CheckRequest(blueprint=blueprint, limits=LIMITS)
    result = CheckResult.model_validate(
        json.loads(check_graph(request.model_dump_json(by_alias=True)))
    )
    assert result.faults == []
    assert result.summary is not None
    assert activations <= result.summary.bytes.activations_per_row <= LARGEST_ROW
    assert len(result.summary.nodes) <= MOST_NODES
    assert result.summary.parameters.total <= MOST_PARAMETERS
