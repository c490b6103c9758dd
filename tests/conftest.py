"""What every test can use. Fixtures live in modules of their own and are named here."""

pytest_plugins = [
    "tests.side_by_side",
    "tests.slice",
    "tests.databases",
    "tests.buckets",
    "tests.stores",
    "tests.engines",
]
