"""The entry points that other packages name are the functions of `compiler.entrypoints`."""

import inspect

from compiler import entrypoints
from domain.entrypoints import MODULE, Entrypoint


def test_every_entry_point_is_a_function_and_conversely() -> None:
    functions = inspect.getmembers(entrypoints, inspect.isfunction)
    own = {f"{MODULE}.{name}" for name, function in functions if function.__module__ == MODULE}
    assert own == set(Entrypoint)
