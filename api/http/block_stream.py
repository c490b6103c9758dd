"""Sends a body whose blocks are made while it is sent."""

from collections.abc import Iterator
from itertools import chain

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.http.connections.broken_off import broken_off


class BlockStream(StreamingResponse):
    """A body of blocks, of which the first is made before the status is sent.

    An error of the first block is therefore a problem document. One of a later block closes the
    connection before the body is complete.
    """

    def __init__(self, blocks: Iterator[bytes], media_type: str, headers: dict[str, str]) -> None:
        """Makes the first block.

        Args:
            blocks: The blocks. An error of `domain.errors` may come out of them.
            media_type: The type of the body.
            headers: Other headers of the response.
        """
        first = next(blocks, b"")
        super().__init__(chain((first,), blocks), media_type=media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the blocks."""
        async with broken_off(scope, send) as watched:
            await super().__call__(scope, receive, watched)
