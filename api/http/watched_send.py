"""Notes whether a response has begun."""

from starlette.types import Message, Send


class WatchedSend:
    """Sends the messages of a response."""

    def __init__(self, send: Send) -> None:
        self.has_begun = False
        self._send = send

    async def __call__(self, message: Message) -> None:
        """Sends a message."""
        self.has_begun = True
        await self._send(message)
