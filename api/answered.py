"""An answer that a child with Keras gives once in the life of this process."""

from threading import Lock
from typing import Generic, TypeVar

from api.checker import Bounds, Checker
from api.settings import Settings
from domain.contract import Contract

Told = TypeVar("Told", bound=Contract)


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

    def get(self) -> Told:
        """The answer.

        Raises:
            Busy: the first question found no child free.
        """
        with self._asking:
            if self._told is None:
                said = self._checker.run(self._function, bounds=self._bounds)
                self._told = self._kind.model_validate_json(said)
            return self._told
