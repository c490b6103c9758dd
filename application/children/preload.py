"""The modules that the forkserver of the API imports before it forks.

This module imports nothing else, so that `graphfit serve` reads the list at no cost.
"""

from domain import entrypoints

MODULES = [
    entrypoints.PRELOAD,
    entrypoints.MODULE,
    "application.prediction.onnx_session",
    "application.children.pool",
]
