"""A connection with limits: bytes and time of a request's head, the rates of body and response.

The limits apply before the access check, so that a client without a key cannot hold the server up.
"""

import asyncio
from asyncio import TimerHandle
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic_core import to_json
from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api.http.connections.broken_off import ABORT
from api.http.connections.clients import CLIENT, Client, FindOwner, find_key, get_key, make_client
from api.http.connections.disconnect import CLOSED
from api.http.connections.open_connections import MOST_UNSENT_BYTES, OpenConnections
from api.http.connections.request_turns import RequestTurns
from api.problems.types import BAD_REQUEST, BUSY, HEADERS_TOO_LARGE, REQUEST_TIMEOUT, ProblemType
from api.settings import Settings

MOST_HEADER_LINES = 200
"""The largest number of headers; the server searches all of them several times."""
OTHER_HEAD_LINES = 2
"""The request line, and the empty line after the headers."""
PROMPT_BYTES = 16 * 2**10
"""The most bytes that are parsed as soon as they arrive; more wait for the turn of the
connection, which reads no further meanwhile."""
CHUNKED_BYTES = 4096
"""The most bytes of a chunked body that are parsed at once: each chunk may have a single byte."""
MOST_SMALL_CHUNKS = 20_000
"""The most chunks of one body whose average size is below `SMALL_CHUNK_BYTES`."""
SMALL_CHUNK_BYTES = 64
MOST_DISCARDED_BYTES = 16 * 2**20
"""The most bytes of a chunked body that are read after its response has been sent."""
SPARE_SHARE = 20
"""The share of the connections that is kept free: the request of a closed connection ends some
rounds of the event loop later."""
RETRY_SECONDS = 2


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits of each connection."""

    head_bytes: int
    """The largest request line and headers."""
    head_seconds: float
    """The time from the first byte of a request to the end of its headers, and the time that a new
    connection may be silent."""
    body_seconds: float
    """The interval at which the rate of a body is checked."""
    body_rate: int
    """The smallest number of bytes a second of a body, and of a response."""
    unsent_bytes: int = MOST_UNSENT_BYTES

    @classmethod
    def of(cls, settings: Settings) -> "ConnectionLimits":
        """Returns the limits of the settings."""
        return cls(
            head_bytes=settings.max_header_bytes,
            head_seconds=settings.header_seconds,
            body_seconds=settings.body_idle_seconds,
            body_rate=settings.min_body_rate,
        )


def make_protocol(
    limits: ConnectionLimits, most: int | None = None, find_owner: FindOwner | None = None
) -> type[HttpToolsProtocol]:
    """Returns uvicorn's HTTP protocol with limits, and with turns between clients.

    Args:
        limits: The limits of each connection.
        most: The most connections, and the most requests in progress; None for no limit.
        find_owner: Returns the owner of an API key; None for a service without keys.
    """
    filled = None if most is None else most - most // SPARE_SHARE

    class WithLimits(LimitedProtocol):
        connection_limits = limits
        opened = OpenConnections(limits.unsent_bytes)
        turns = RequestTurns(filled, opened.may_send)
        most_connections = filled
        find_known_owner = None if find_owner is None else staticmethod(find_owner)

    return WithLimits


class HeldFlow(FlowControl):
    """The flow of a connection, which reads no further while received bytes are not parsed."""

    def __init__(self, transport: asyncio.Transport, connection: "LimitedProtocol") -> None:
        super().__init__(transport)
        self._connection = connection
        self._is_held = False
        self.is_wanted = True
        """Whether the application takes more bytes of the body."""

    def pause_reading(self) -> None:
        """Reads and parses nothing until the application takes more."""
        self.is_wanted = False
        super().pause_reading()

    def resume_reading(self) -> None:
        """Parses what is left, else reads on."""
        self.is_wanted = True
        if self._is_held:
            self._connection.wait_for_turn()
        else:
            super().resume_reading()

    def hold(self) -> None:
        """Reads nothing until `release`."""
        self._is_held = True
        super().pause_reading()

    def release(self) -> None:
        """Reads on if the application takes more."""
        self._is_held = False
        if self.is_wanted:
            super().resume_reading()


class LimitedProtocol(HttpToolsProtocol):
    """Closes a connection that sends a too large head, or sends or receives too slowly.

    Bytes are parsed up to the end of a head, a body, or a part of a chunked body. The requests of a
    pipeline wait unparsed for the response to the previous one. A request that arrives at once
    costs no timer.
    """

    connection_limits: ConnectionLimits
    turns: RequestTurns
    opened: OpenConnections
    most_connections: int | None
    """The number of open connections at which others are closed."""
    find_known_owner: FindOwner | None
    """Returns the owner of an API key; None for a service without keys."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sender = self._origin = Client("")
        """The client of the last request, and the client if a request has no known key."""
        self._is_reading_head = True
        self._is_chunked = False
        self._head_bytes = 0
        self._head_lines = 0
        self._body_bytes = 0
        self._body_left = 0
        """The bytes of a body with Content-Length that have not been parsed."""
        self._unparsed = b""
        self._parsed = 0
        """The number of bytes of `_unparsed` that have been parsed since they were received."""
        self._discarded_bytes = 0
        self._began = 0.0
        """The time at which the headers of the request were complete, on the loop's clock."""
        self._received_bytes = 0
        self._chunks = 0
        self._unsent_bytes = 0
        self._closed: asyncio.Future[None] = self.loop.create_future()
        self._timer: TimerHandle | None = None
        self._send_timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the time in which the first request must arrive."""
        super().connection_made(transport)
        self.flow: HeldFlow = HeldFlow(transport, self)
        address = self.client[0] if self.client else ""
        self.sender = self._origin = make_client(address, self.loop.time())
        if self.most_connections and len(self.connections) >= self.most_connections:
            self.opened.make_room(self.most_connections)
        self.opened.add_silent(self, self.connection_limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timers."""
        self._unparsed, self._parsed = b"", 0
        self._stop_timer()
        self._stop_send_timer()
        self.opened.remove(self)
        self.turns.close(self)
        super().connection_lost(exc)

    def end_waits(self) -> None:
        """Ends what the request waits for, since its client has gone."""
        self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Parses bytes, or keeps them for a turn."""
        if self._is_rest_of_body():
            self._discard(len(data))
            return
        self._unparsed = self._unparsed[self._parsed :] + data
        self._parsed = 0
        if self._is_reading_head:
            self._receive_head()
        elif self._is_chunked or len(data) > PROMPT_BYTES:
            self.flow.hold()
            self.turns.add_part(self)
        else:
            self.parse()

    def _receive_head(self) -> None:
        """Begins a request at once if no other client waits, else in turn."""
        if self._is_answering():
            self.flow.hold()  # the requests of a pipeline wait for each other
            return
        self._identify_unparsed()
        may_begin = self.turns.has_time and self.turns.may_begin(self.sender)
        if may_begin and len(self._unparsed) <= PROMPT_BYTES:
            self.parse()
        else:
            self._wait_with_head()

    def wait_for_turn(self) -> None:
        """Lets what is left be parsed after the bytes of other clients."""
        if not self._is_reading_head:
            self.turns.add_part(self)
        elif not self._is_answering():
            self._unparsed, self._parsed = self._unparsed[self._parsed :], 0
            self._identify_unparsed()
            self._wait_with_head()

    def _wait_with_head(self) -> None:
        self.opened.leave_idle(self)
        self.opened.waiting[self] = None
        self.turns.add_head(self)
        if len(self._unparsed) > PROMPT_BYTES:
            self.flow.hold()

    def _identify_unparsed(self) -> None:
        """Finds the client of a request by the key in its head, which is not parsed yet."""
        if self.find_known_owner is not None:
            self._identify(find_key(self._unparsed.partition(b"\r\n\r\n")[0]))

    def _identify(self, key: str | None) -> None:
        """Finds the client of a request by its key; the access check follows later."""
        find = self.find_known_owner
        owner = None if key is None or find is None else find(key)
        self.sender = self._origin if owner is None else Client(owner)

    def _is_answering(self) -> bool:
        """Whether the previous request is in progress."""
        return self.cycle is not None and not self.cycle.response_complete

    def parse(self) -> None:
        """Parses one request, or one part of a chunked body; the rest waits."""
        while self._may_parse():
            start, self._parsed = self._parsed, self._find_end()
            self._parse_part(self._unparsed[start : self._parsed])
            if self._takes_turns() and self._parsed < len(self._unparsed):
                self.wait_for_turn()
                break
        if self.transport.is_closing():
            self._unparsed, self._parsed = b"", 0
            return
        if self._is_rest_of_body():
            self._unparsed, self._parsed = b"", 0
        if self._parsed < len(self._unparsed):
            self.flow.hold()
        else:
            self.flow.release()

    def _may_parse(self) -> bool:
        """Whether bytes are left, and the application has answered the previous request."""
        if self._parsed >= len(self._unparsed) or self.transport.is_closing():
            return False
        if self._is_reading_head:
            return not self._is_answering()
        return self.flow.is_wanted and not self._is_rest_of_body()

    def _takes_turns(self) -> bool:
        return self._is_chunked and not self._is_reading_head

    def _is_rest_of_body(self) -> bool:
        """Whether a chunked body goes on after its response; nothing of it is parsed."""
        return self._takes_turns() and self.cycle.response_complete

    def _discard(self, size: int) -> None:
        """Reads on, so that the client can read the response; closes an endless body."""
        self._body_bytes += size
        self._discarded_bytes += size
        if self._discarded_bytes > MOST_DISCARDED_BYTES:
            self.transport.close()

    def _find_end(self) -> int:
        """Returns the end of the bytes that are parsed at once."""
        size = len(self._unparsed)
        if self._is_reading_head:
            place = self._unparsed.find(b"\r\n\r\n", self._parsed)
            return size if place < 0 else place + 4
        part = CHUNKED_BYTES if self._is_chunked else self._body_left or size
        return min(size, self._parsed + part)

    def _parse_part(self, part: bytes) -> None:
        """Parses a part, and watches a request that is not complete."""
        if self._is_reading_head:
            self._head_bytes += len(part)
            self._head_lines += part.count(b"\n")
            if self._head_lines > MOST_HEADER_LINES + OTHER_HEAD_LINES:
                self._refuse_head(f"{MOST_HEADER_LINES} headers")
                return
        super().data_received(part)
        self.opened.waiting.pop(self, None)
        if self.transport.is_closing():
            self._stop_timer()
        elif self._is_reading_head:
            self._watch_head()
        elif self._chunks > MOST_SMALL_CHUNKS and self._has_small_chunks():
            detail = f"The chunks of a body must have {SMALL_CHUNK_BYTES} bytes or more on average "
            detail += f"if it has more than {MOST_SMALL_CHUNKS}."
            self._refuse(BAD_REQUEST, detail)
        elif self._timer is None:
            self._start_timer(self.connection_limits.body_seconds, self._check_body)

    def _has_small_chunks(self) -> bool:
        return self._received_bytes < self._chunks * SMALL_CHUNK_BYTES

    def on_headers_complete(self) -> None:
        """Begins a body."""
        self._is_reading_head = False
        self._head_bytes = self._head_lines = self._body_bytes = 0
        lengths = [value for name, value in self.headers if name == b"content-length"]
        self._body_left = int(lengths[0]) if lengths else 0
        self._is_chunked = any(name == b"transfer-encoding" for name, _ in self.headers)
        self._stop_timer()
        self._began = self.loop.time()
        self._received_bytes = self._chunks = 0
        self.opened.leave_idle(self)
        self.opened.reading[self] = None
        if self.find_known_owner is not None:
            self._identify(get_key(self.headers))
        self.scope[CLOSED] = self._closed  # type: ignore[literal-required]
        self.scope[ABORT] = self.abort  # type: ignore[literal-required]
        self.scope[CLIENT] = self.sender  # type: ignore[literal-required]
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begins a request, which counts as one of its client until the application returns."""
        super()._start_asgi_task(cycle, partial(self._run, app, cycle, self.sender))
        self.turns.begin(self.sender)

    async def _run(
        self,
        app: ASGI3Application,
        cycle: RequestResponseCycle,
        client: Client,
        scope: Scope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
    ) -> None:
        """Calls the application, unless the connection has been closed meanwhile."""
        try:
            if not cycle.disconnected:
                await app(scope, receive, send)
        finally:
            self.turns.finish(client)

    def on_chunk_header(self) -> None:
        """Counts the chunks of the body."""
        self._chunks += 1

    def on_body(self, body: bytes) -> None:
        """Counts the bytes of the body."""
        self._body_bytes += len(body)
        self._received_bytes += len(body)
        self._body_left -= len(body)
        if not self.cycle.response_complete:
            self._add_to_cycle(body)
        super().on_body(b"")

    def _add_to_cycle(self, body: bytes) -> None:
        """Adds bytes to those that the application has not received; copies no large part alone."""
        waiting = self.cycle.body
        if not waiting and len(body) > PROMPT_BYTES:
            self.cycle.body = body  # type: ignore[assignment]
        elif isinstance(waiting, bytearray):
            waiting += body
        else:
            self.cycle.body = bytearray(waiting) + body

    def on_message_complete(self) -> None:
        """Begins to wait for the next request."""
        self._is_reading_head = True
        self._stop_timer()
        self.opened.reading.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Waits for the next request, without a timer of its own."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._watch_rest()
            return
        if self._is_reading_head:
            self.opened.add_idle(self, self.timeout_keep_alive)
        self.flow.resume_reading()

    def send_400_response(self, msg: str) -> None:
        """Refuses bytes that are not HTTP, and closes the connection."""
        super().send_400_response(msg)
        self._watch_rest()

    def close_idle(self) -> None:
        """Closes an idle connection, even if its client did not receive the last response."""
        if self.transport.get_write_buffer_size():
            self.abort()
        else:
            self.transport.close()

    def refuse_waiting(self) -> None:
        """Refuses a request that has not begun, in favour of other clients."""
        self.turns.remove(self)
        self.opened.remove(self)
        self.connections.discard(self)
        detail = "Too many connections of this client are open (MAX_CONNECTIONS)."
        self._refuse(BUSY, detail, b"retry-after: %d\r\n" % RETRY_SECONDS)

    def measure_unsent(self) -> int:
        """Returns the bytes of the response that wait for the client to receive them."""
        return int(self.transport.get_write_buffer_size())

    def measure_body_rate(self) -> float:
        """Returns the bytes a second at which the body of the request has arrived."""
        return self._received_bytes / max(self.loop.time() - self._began, 1.0)

    def _watch_head(self) -> None:
        """Watches a head of which only a part has arrived."""
        self.opened.leave_idle(self)
        if self._head_bytes > self.connection_limits.head_bytes:
            self._refuse_head(f"{self.connection_limits.head_bytes} bytes (MAX_HEADER_BYTES)")
        elif self._head_bytes:
            self.opened.waiting[self] = None
            if self._timer is None:
                self._start_timer(self.connection_limits.head_seconds, self._check_head)

    def _refuse_head(self, most: str) -> None:
        self._refuse(HEADERS_TOO_LARGE, f"A request may have at most {most}.")

    def _check_head(self) -> None:
        """Refuses a head that is not complete, unless its rest waits for this server."""
        self._timer = None
        seconds = self.connection_limits.head_seconds
        if self.turns.is_waiting(self):
            self._start_timer(seconds, self._check_head)
            return
        detail = f"The headers must arrive within {seconds:g} seconds (HEADER_SECONDS)."
        self._refuse(REQUEST_TIMEOUT, detail)

    def _check_body(self) -> None:
        """Closes the connection if the body arrived too slowly since the last check."""
        limits = self.connection_limits
        is_slow = self._body_bytes < limits.body_rate * limits.body_seconds
        self._body_bytes = 0
        if is_slow and not self.flow.read_paused:  # a paused body waits for this server
            detail = f"The body must arrive at {limits.body_rate} bytes a second or more "
            self._refuse(REQUEST_TIMEOUT, detail + "(MIN_BODY_RATE).")
        else:
            self._start_timer(limits.body_seconds, self._check_body)

    def pause_writing(self) -> None:
        """Starts the time in which the client must receive a part of the response."""
        super().pause_writing()
        self._watch_response()
        self.opened.stall(self)

    def resume_writing(self) -> None:
        """Ends that time."""
        self._stop_send_timer()
        super().resume_writing()
        if self.transport.is_closing():
            self._watch_rest()

    def abort(self) -> None:
        """Closes the connection at once, without the rest of the response."""
        self._stop_send_timer()
        self.opened.remove(self)
        self.connections.discard(self)
        self.transport.abort()

    def _watch_rest(self) -> None:
        """Watches the rest of the last response: a transport waits for it before it closes."""
        if self._send_timer is None and self.transport.get_write_buffer_size():
            self._watch_response()
            self.opened.stall(self)

    def _watch_response(self) -> None:
        self._unsent_bytes = self.transport.get_write_buffer_size()
        self._send_timer = self.loop.call_later(
            self.connection_limits.body_seconds, self._check_response
        )

    def _check_response(self) -> None:
        """Closes the connection if the client received too little since the last check."""
        limits = self.connection_limits
        sent = self._unsent_bytes - self.transport.get_write_buffer_size()
        if sent < limits.body_rate * limits.body_seconds:
            self.abort()
        else:
            self._watch_response()

    def _stop_send_timer(self) -> None:
        self.opened.recover(self)
        self.turns.wake()
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _refuse(self, problem: ProblemType, detail: str, headers: bytes = b"") -> None:
        """Sends a problem document if no response has begun, and closes the connection."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        if self._is_reading_head or not self.cycle.response_started:
            document = {
                "type": problem.uri,
                "title": problem.title,
                "status": problem.status,
                "detail": detail,
            }
            self.transport.write(_make_response(problem.status, to_json(document), headers))
        self.transport.close()
        self._watch_rest()

    def _start_timer(self, seconds: float, check: Any) -> None:
        self._timer = self.loop.call_later(seconds, check)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _make_response(status: int, body: bytes, headers: bytes) -> bytes:
    head = (
        b"content-type: application/problem+json\r\n"
        b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    )
    return STATUS_LINE[status] + headers + head + body
