"""What every test can use. Fixtures live in modules of their own and are named here."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
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
