"""An answer that a child with Keras gives once in the life of this process."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

from application.children.pool import Bounds, Checker, Unfinished
from application.settings import Settings
from domain.contract import Contract
from domain.errors import Busy

Told = TypeVar("Told", bound=Contract)


@dataclass(frozen=True)
class Document:
    """A view of such an answer as it is sent."""

    body: bytes
    etag: str
    """Strong: its hash."""

    @classmethod
    def of(cls, value: Contract) -> "Document":
        """A value as JSON."""
        body = value.model_dump_json(by_alias=True).encode()
        return cls(body, f'"{sha256(body).hexdigest()}"')


class AnsweredOnce(Generic[Told]):
    """Kept for good: another Keras is another process."""

    def __init__(
        self, checker: Checker, settings: Settings, function: str, kind: type[Told]
    ) -> None:
        self._checker = checker
        self._bounds = Bounds.of_check(settings)
        self._function = function
        self._kind = kind
        self._asking = Lock()
        self._told: Told | None = None
        self._documents: dict[str, Document] = {}

    def get(self) -> Told:
        """The answer.

        Raises:
            Busy: the first question found no child free, or its child did not end in time.
        """
        with self._asking:
            if self._told is None:
                said = self._asked()
                self._told = self._kind.model_validate_json(said)
            return self._told

    def _asked(self) -> str:
        try:
            said: str = self._checker.run(self._function, bounds=self._bounds)
        except Unfinished as error:  # nobody's graph is at fault: this machine is slow just now
            raise Busy(f"The catalogue is not ready. {error.detail}", retry_after=5) from error
        return said

    def document(self, key: str, view: Callable[[Told], Contract]) -> Document:
        """A view of the answer, made once and kept.

        Args:
            key: The view's own among those of this answer. There are as many as views succeed.
            view: What it raises is passed on, and nothing is kept.

        Raises:
            Busy: the first question found no child free, or its child did not end in time.
        """
        found = self._documents.get(key)
        if found is None:
            found = self._documents[key] = Document.of(view(self.get()))
        return found
