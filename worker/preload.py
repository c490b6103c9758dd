"""The modules that the forkserver of the worker imports before it forks.

A module of its own, so that `graphfit serve` reads it without importing anything else.
"""

MODULES = ["compiler.preload", "worker.training.main"]
