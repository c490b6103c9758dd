"""The field `error` of TensorFlow Serving, which the problem documents of some routes also have."""

from collections.abc import Iterable

from fastapi import FastAPI
from starlette.types import Scope

from domain.errors import Fault


def set_error_field_paths(app: FastAPI, paths: Iterable[str]) -> None:
    """Sets the paths of the routes whose problem documents have the field `error`.

    Middleware sends problem documents before routing. The end of a path therefore decides: the
    part after the last parameter, e.g. `:predict` of `/v1/models/{id}:predict`.
    """
    app.state.error_field_endings = tuple(path.rpartition("}")[2] for path in paths)


def has_error_field(scope: Scope) -> bool:
    """Returns whether the problem documents of a request have the field `error`.

    Args:
        scope: The ASGI scope of the request.
    """
    state = getattr(scope.get("app"), "state", None)
    endings: tuple[str, ...] = getattr(state, "error_field_endings", ())
    path: str = scope["path"]
    return path.endswith(endings)


def make_error_field(detail: str, faults: tuple[Fault, ...]) -> str:
    """Returns the first five faults in one line, or the detail if there are none."""
    places = "; ".join(f"{fault.pointer or 'body'}: {fault.detail}" for fault in faults[:5])
    return places or detail
