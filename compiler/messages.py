"""Keras's exceptions in words for a client: no trace, no path, bounded in length."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.errors import Fault, Invalid
from domain.nesting import Place
from domain.pointer import pointer

LONGEST = 600
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PREAMBLE = re.compile(
    r"Exception encountered when calling [^\n]*\n+"
    r"|Could not automatically infer the output shape.*Error encountered:",
    re.DOTALL,
)
_ARGUMENTS = re.compile(r"\n+(Arguments received by|Call arguments received by) .*", re.DOTALL)
_TRACE = re.compile(r'^(Traceback .*|\s*File ".*|in user code:|\s*[~^]+\s*)$', re.MULTILINE)
_PATH = re.compile(r"(?<![\w.])(?:/[\w.+-]+){2,}/?")
_TENSOR = re.compile(r"<KerasTensor (shape=\([^)]*\)), dtype=(\w+)[^>]*>")
_OPERATION = re.compile(r" for '\{\{node .*", re.DOTALL)
_INTERNAL = re.compile(r"^\w+\.__init__\(\) missing .*", re.DOTALL)
_OBJECT = re.compile(r" at 0x[0-9a-f]+")


def plain(error: BaseException) -> str:
    """One paragraph that says what Keras found wrong."""
    text = str(error.args[0]) if error.args else ""
    text = _PREAMBLE.sub("", _COLOUR.sub("", text))
    for noise, kept in (
        (_ARGUMENTS, ""),
        (_TRACE, ""),
        (_TENSOR, r"<\1, dtype=\2>"),
        (_OPERATION, "."),
        (_OBJECT, ""),
        (_INTERNAL, ""),
        (_PATH, "..."),
    ):
        text = noise.sub(kept, text)
    text = " ".join(text.split())
    if not text:
        text = f"Keras refuses this ({type(error).__name__})."
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


@contextmanager
def attributed(place: Place, where: Callable[[str], Place] = lambda _: ()) -> Iterator[None]:
    """Turn whatever Keras raises inside into a fault at `place`.

    Args:
        place: The tokens of the pointer.
        where: Gives further tokens by Keras's message, e.g. the argument it names.

    Raises:
        Invalid: Keras refused; faults that are known already pass unchanged.
    """
    try:
        yield
    except (Invalid, MemoryError):
        raise
    except Exception as error:  # Keras and TensorFlow raise nearly every type there is
        detail = plain(error)
        fault = Fault(pointer=pointer(*place, *where(detail)), detail=detail)
        raise Invalid([fault]) from error
