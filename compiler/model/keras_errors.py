"""Turns the exceptions of Keras and TensorFlow into text for the client.

The text has no traceback, no path of the server, and a bounded length.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import tensorflow as tf

from compiler.model.refusals import Refusal, locate_refusals
from domain.errors import Invalid
from domain.graph.walk import Place

log = logging.getLogger(__name__)

LONGEST = 600
"""The maximum length of a text, in characters."""
EXPECTED = (ValueError, TypeError, NotImplementedError, tf.errors.OpError)
"""The exceptions that Keras and TensorFlow raise on purpose to refuse arguments."""
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
_PYTHON_ERROR = re.compile(
    r"index out of range|values to unpack|'\w+' object has no attribute|'NoneType'|__index__"
    r"|not supported between instances|got multiple values for"
)
"""Texts of errors that Python raises inside Keras because Keras does not validate an argument."""
_MISFIT = (
    "An argument or a shape does not fit: it has too few or too many axes, "
    "an unknown length (null), or is of another kind."
)
_OBJECT = re.compile(r" at 0x[0-9a-f]+")


def explain(error: BaseException) -> str:
    """Describe in one paragraph what Keras or TensorFlow refused.

    Returns:
        A text of at most LONGEST characters.
    """
    text = getattr(error, "message", "") or (str(error.args[0]) if error.args else "")
    text = _PREAMBLE.sub("", _COLOUR.sub("", text))
    for pattern, replacement in (
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
        text = pattern.sub(replacement, text)
    text = _MISFIT if _PYTHON_ERROR.search(text) else " ".join(text.split())
    if not text:
        text = f"Keras refuses this ({type(error).__name__})."
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


@contextmanager
def catch_keras_errors() -> Iterator[None]:
    """Turn an exception of Keras or TensorFlow into a refusal.

    Wrap calls of Keras and TensorFlow only: an exception of our own code would be reported to the
    client as a fault of the request.

    Raises:
        Refusal: Keras or TensorFlow raised an exception; the text explains it. If neither its type
            nor its text is expected, it is also logged.
        MemoryError: There is not enough memory.
    """
    try:
        yield
    except (Invalid, Refusal, MemoryError):
        raise
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(str(error)) from error
    except Exception as error:
        if not (isinstance(error, EXPECTED) or _PYTHON_ERROR.search(str(error))):
            log.warning("Keras raised an unexpected %s", type(error).__name__, exc_info=error)
        raise Refusal(explain(error)) from error


@contextmanager
def locate_keras_errors(
    place: Place, locate: Callable[[str], Place] = lambda _: ()
) -> Iterator[None]:
    """Turn an exception of Keras or TensorFlow into a fault at a place.

    Args:
        place: The tokens of the pointer.
        locate: Returns further tokens for an explanation, e.g. the argument that it names.

    Raises:
        Invalid: Keras or TensorFlow raised an exception.
        MemoryError: There is not enough memory.
    """
    with locate_refusals(place, locate), catch_keras_errors():
        yield
