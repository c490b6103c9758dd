"""The modules that a forkserver of the API imports before it forks.

A module of its own, so that `graphfit serve` reads the list without importing anything else.
"""

from domain import entrypoints

MODULES = [
    entrypoints.PRELOAD,
    entrypoints.MODULE,
    "application.prediction.onnx_session",
    "application.children.pool",
]
