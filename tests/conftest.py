"""Plugins of all tests; the modules below define the fixtures."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a slow machine must not fail a test
settings.load_profile("untimed")

pytest_plugins = [
    "tests.plugins.scheduling",
    "tests.plugins.slow_slice",
    "tests.support.databases",
    "tests.support.buckets",
    "tests.support.stores",
    "tests.support.engines",
    "tests.support.api_server",
]
