"""The requests in progress of each client, and how many more it may begin."""

from api.http.connections.clients import Client


class Shares:
    """Limits the requests in progress so that some are always left to other clients.

    A client may have as many requests in progress as are free. So one client alone takes half of
    them, two take a third each, and a client that has none in progress always finds a free one.
    """

    def __init__(self, most: int | None) -> None:
        """Begins without requests.

        Args:
            most: The largest number of requests in progress; None for no limit.
        """
        self._most = most
        self._total = 0
        self._counts: dict[Client, int] = {}

    def may_begin(self, client: Client) -> bool:
        """Whether a client may begin one more request."""
        return self._most is None or self._counts.get(client, 0) < self._most - self._total

    def begin(self, client: Client) -> None:
        """Counts one more request."""
        self._total += 1
        self._counts[client] = self._counts.get(client, 0) + 1

    def finish(self, client: Client) -> None:
        """Counts one request less."""
        self._total -= 1
        self._counts[client] -= 1
        if not self._counts[client]:
            del self._counts[client]
