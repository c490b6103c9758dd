"""Keras's exceptions in words for a client: no trace, no path, bounded in length."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import tensorflow as tf

from domain.errors import Fault, Invalid
from domain.graph.walk import Place
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
_TENSOR = re.compile(
    r"(?:<(?:KerasTensor|tf\.Tensor)\b[^>]*?|\b(?:KerasTensor|tf\.Tensor|Tensor)\([^()]*?)"
    r"shape=(\([^)]*\)),? dtype=<?(?:dtype: ')?(\w+)(?:'>)?[^>)]*[>)]"
)
_CLASS = re.compile(r"<class '(?:\w+\.)*(\w+)'>")
_DTYPE = re.compile(r"<dtype: '(\w+)'>")
_LAYER = re.compile(r"<(\w+) name=[^>]*>")
_OPERATION = re.compile(r" for '\{\{node .*", re.DOTALL)
_SYMBOLIC = re.compile(r"Using a symbolic `tf.Tensor` as a Python `bool` is not .*", re.DOTALL)
_KERNEL = re.compile(r"\{\{(?:function_)?node [^}]*\}\} ?| ?\[Op:\w+\]")
_INTERNAL = re.compile(r"^\w+\.__init__\(\) missing .*", re.DOTALL)
_FALL = re.compile(
    r"index out of range|values to unpack|'\w+' object has no attribute|'NoneType'|__index__"
    r"|not supported between instances|got multiple values for"
)
"""What Python says where Keras takes for granted what it was not given."""
_UNFIT = (
    "An argument or a shape does not fit: it has too few or too many axes, "
    "an unknown length (null), or is of another kind."
)
_OBJECT = re.compile(r" at 0x[0-9a-f]+")


def plain(error: BaseException) -> str:
    """One paragraph that says what Keras found wrong."""
    text = getattr(error, "message", "") or (str(error.args[0]) if error.args else "")
    text = _PREAMBLE.sub("", _COLOUR.sub("", text))
    for noise, kept in (
        (_ARGUMENTS, ""),
        (_TRACE, ""),
        (_TENSOR, r"\2 \1"),
        (_CLASS, r"\1"),
        (_DTYPE, r"\1"),
        (_LAYER, r"\1"),
        (_SYMBOLIC, "this needs lengths that are known, not null."),
        (_OPERATION, "."),
        (_KERNEL, ""),
        (_OBJECT, ""),
        (_INTERNAL, ""),
        (_PATH, "..."),
    ):
        text = noise.sub(kept, text)
    text = _UNFIT if _FALL.search(text) else " ".join(text.split())
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
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(str(error)) from error
    except Exception as error:  # Keras and TensorFlow raise nearly every type there is
        detail = plain(error)
        fault = Fault(pointer=pointer(*place, *where(detail)), detail=detail)
        raise Invalid([fault]) from error
