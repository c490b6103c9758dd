"""The names that other rooms call are the functions of one module."""

import inspect

from compiler import entrypoints
from domain.entrypoints import MODULE, Entrypoint


def test_every_name_is_a_function_and_every_function_has_a_name() -> None:
    functions = inspect.getmembers(entrypoints, inspect.isfunction)
    own = {f"{MODULE}.{name}" for name, function in functions if function.__module__ == MODULE}
    assert own == set(Entrypoint)
