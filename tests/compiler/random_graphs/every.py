"""Runs a check on drawn graphs."""

import json
from collections.abc import Callable

import hypothesis
import keras
from hypothesis import Phase, given, settings

from tests.compiler.random_graphs.drawing import definitions
from tests.compiler.random_graphs.layers.kinds import Config

PHASES = [Phase.generate, Phase.shrink]
"""All phases but hypothesis's explanation of a failure, which takes longer than the search."""


def every_graph(check: Callable[[Config], object], graphs: int, seed: int) -> None:
    """Draw `count` graphs and check each.

    Of the graphs that fail, the smallest one is printed last.
    """

    @hypothesis.seed(seed)
    @settings(max_examples=graphs, deadline=None, database=None, phases=PHASES)
    @given(definitions())
    def run(definition: Config) -> None:
        keras.utils.clear_session(free_memory=False)
        try:
            check(definition)
        except Exception:
            print(json.dumps(definition))
            raise

    run()
