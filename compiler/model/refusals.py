"""The exception that refuses a layer or an operation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.json.pointer import pointer


class Refusal(Exception):
    """A layer, an operation or its arguments cannot be used; the text explains it to the client.

    Any other exception of our own code is a bug and must not reach the client.
    """


@contextmanager
def locate_refusals(place: Place, locate: Callable[[str], Place] = lambda _: ()) -> Iterator[None]:
    """Turn a refusal into a fault at a place.

    Args:
        place: The tokens of the pointer.
        locate: Returns further tokens for a refusal's text, e.g. the argument that it names.

    Raises:
        Invalid: The block raised a Refusal.
    """
    try:
        yield
    except Refusal as refusal:
        detail = str(refusal)
        raise Invalid([Fault(pointer=pointer(*place, *locate(detail)), detail=detail)]) from refusal
