"""A cache of JSON documents made from the result of one function that runs in a child."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

from application.children.pool import Bounds, Checker, Unfinished
from application.settings import Settings
from domain.contract import Contract
from domain.errors import Busy

ResultT = TypeVar("ResultT", bound=Contract)


@dataclass(frozen=True)
class Document:
    """A JSON document and its entity tag."""

    body: bytes
    etag: str
    """A strong entity tag: the SHA-256 of the body in quotes."""

    @classmethod
    def of(cls, value: Contract) -> "Document":
        """Serializes a value as JSON."""
        body = value.model_dump_json(by_alias=True).encode()
        return cls(body, f'"{sha256(body).hexdigest()}"')


class DocumentCache(Generic[ResultT]):
    """Calls a function once in a child, and keeps its result and the documents made from it.

    The result depends on the installed Keras only, so it stays valid while this process lives.
    """

    def __init__(
        self, checker: Checker, settings: Settings, function: str, result_type: type[ResultT]
    ) -> None:
        self._checker = checker
        self._bounds = Bounds.of_check(settings)
        self._function = function
        self._result_type = result_type
        self._lock = Lock()
        self._result: ResultT | None = None
        self._documents: dict[str, Document] = {}

    def get_document(self, key: str, select: Callable[[ResultT], Contract]) -> Document:
        """Returns the document of one part of the result, serialized at the first call.

        Args:
            key: Identifies the part. Only keys of successful selections are stored.
            select: Returns the part of the result. Its errors are passed on.

        Raises:
            Busy: no child was free for the first call, or the child did not finish in time.
        """
        found = self._documents.get(key)
        if found is None:
            found = self._documents[key] = Document.of(select(self._load()))
        return found

    def _load(self) -> ResultT:
        with self._lock:
            if self._result is None:
                self._result = self._result_type.model_validate_json(self._call())
            return self._result

    def _call(self) -> str:
        try:
            result_json: str = self._checker.run(self._function, bounds=self._bounds)
        except Unfinished as error:  # the request is valid, but this machine is slow at present
            raise Busy(f"The catalogue is not ready. {error.detail}", retry_after=5) from error
        return result_json
