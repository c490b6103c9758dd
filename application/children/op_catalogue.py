"""The functions of `keras.ops` that graphs may call, as a child that holds Keras tells them."""

from typing import Literal

from pydantic import Field, JsonValue

from application.children.cached_answer import AnsweredOnce, Document
from application.children.pool import Checker
from application.settings import Settings
from domain.contract import Contract
from domain.errors import NotOffered

OpKind = Literal["core", "einops", "image", "linalg", "math", "nn", "numpy"]


class OpInput(Contract):
    """A parameter that takes a tensor of the graph."""

    name: str
    required: bool
    takes: Literal["tensor", "tensors"]
    """`tensors`: a list of references. In the place of a `tensor` a constant may stand instead, in
    `config` under the same name."""
    description: str | None


class OpType(Contract):
    """A function that a node may call."""

    op: str = Field(examples=["mean"])
    kind: OpKind
    """Keras's own file for it."""
    summary: str
    url: str
    """Where the rest of Keras's description is."""
    inputs: list[OpInput]
    """In their order: a node's `inputs` that are no object go by it."""
    config_schema: dict[str, JsonValue]
    """JSON Schema (2020-12) of `config`, constants in the place of tensors included."""


class OpLeftOut(Contract):
    """A function of `keras.ops` that no node may call."""

    op: str
    reason: str


class Ops(Contract):
    """Every function, or every one of one kind, on one page."""

    items: list[OpType]
    left_out: list[OpLeftOut]
    next_cursor: None = None


class OpCatalogue:
    """What the child said of functions."""

    def __init__(self, checker: Checker, settings: Settings) -> None:
        self._told = AnsweredOnce(
            checker, settings, "compiler.catalogue.descriptions.describe_ops.answer", Ops
        )

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
