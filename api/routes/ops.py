"""`/v1/ops`: the functions of `keras.ops` that a node may call."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.dependencies.parameters import IfNoneMatch, Parts
from api.problems.responses import LISTS, READS
from api.routes.layers import UNCHANGED, cached
from domain.catalogue import OpKind, Ops, OpType

router = APIRouter(prefix="/v1/ops", tags=["layers"])
KindFilter = Annotated[OpKind | None, Query(description="Only functions of this kind.")]
OpPath = Annotated[str, Path(alias="op", description="Keras's name of it, e.g. `mean`.")]


@router.get("", summary="List functions", response_model=Ops, responses=UNCHANGED | LISTS)
def list_ops(parts: Parts, kind: KindFilter = None, if_none_match: IfNoneMatch = None) -> Response:
    """Every function of `keras.ops` that a node may call, on one page.

    What of `keras.ops` is left out is listed with its reason.
    """
    return cached(parts.op_catalogue.ops(kind), if_none_match)


@router.get("/{op}", summary="Get a function", response_model=OpType, responses=UNCHANGED | READS)
def get_op(op: OpPath, parts: Parts, if_none_match: IfNoneMatch = None) -> Response:
    """One function: which tensors it takes, and a JSON Schema of its constants."""
    return cached(parts.op_catalogue.op(op), if_none_match)
