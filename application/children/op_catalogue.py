"""The functions of `keras.ops` that graphs may call, as a child that holds Keras tells them."""

from application.children.cached_answer import AnsweredOnce, Document
from application.children.pool import Checker
from application.settings import Settings
from domain.catalogue import OpKind, Ops, OpType
from domain.entrypoints import Entrypoint
from domain.errors import NotOffered


class OpCatalogue:
    """What the child said of functions."""

    def __init__(self, checker: Checker, settings: Settings) -> None:
        self._told = AnsweredOnce(checker, settings, Entrypoint.DESCRIBE_OPS, Ops)

    def ops(self, kind: OpKind | None = None) -> Document:
        """All functions, or those of one kind: `Ops`.

        Raises:
            Busy: the first question found no child free.
        """
        return self._told.document(f"kind {kind}", lambda told: _of_kind(told, kind))

    def op(self, name: str) -> Document:
        """One function: an `OpType`.

        Raises:
            NotOffered: no node may call one of this name; why not, or what is like it.
            Busy: the first question found no child free.
        """
        return self._told.document(f"op {name}", lambda told: _named(told, name))


def _of_kind(everything: Ops, kind: OpKind | None) -> Ops:
    items = [item for item in everything.items if kind in (None, item.kind)]
    return everything.model_copy(update={"items": items})


def _named(everything: Ops, name: str) -> OpType:
    for item in everything.items:
        if item.op == name:
            return item
    names = [item.op for item in everything.items]
    reasons = {item.op: item.reason for item in everything.left_out}
    raise NotOffered("operation", name, names, reasons)
