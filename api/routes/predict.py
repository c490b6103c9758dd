"""`/v1/models/{id}:predict`: predictions in TensorFlow Serving's REST format."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Scope

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.parameters import ModelPath, Parts, Services
from api.http.bodies.content_encoding import refuse_encoded_body
from api.http.bodies.large_bodies import take_turn_if_large
from api.http.connections.disconnect import ended_by_disconnect
from api.http.json.body import check_json_media_type
from api.http.json.parser import parse_json
from api.http.route_options import RouteOptions, set_route_options
from api.middleware.quick_predict import QUICK_BYTES
from api.problems.openapi_responses import ASKS
from api.protocols.tf_serving import parse_request, serialize_outputs
from application.children.pool import MOST_EXPORTS
from application.prediction.computation import Answer, Uncomputable
from application.prediction.groups import Computed
from application.prediction.loaded_model import LoadedModel
from domain.errors import Fault, GraphfitError, Invalid
from domain.json.non_finite import NON_FINITE_NAMES
from domain.json.source_map import SourceMap
from domain.key import LOCAL_OWNER

FUNCTION = "api.protocols.tf_serving_process.answer"
"""The function that answers all other requests, in a prediction process."""
LARGE_BYTES = 2**20
"""The largest body of a prediction that needs no turn."""
MOST_LOADING = MOST_EXPORTS // 2
"""The largest number of models of one owner that are loaded at once; an export takes seconds."""


def answer_here(parts: Services, model: LoadedModel, body: Any) -> Response | None:
    """Returns the response to a small request if equal requests were quick, else None.

    Raises:
        Invalid: the rows do not match the inputs of the model.
    """
    try:
        signature = model.signature
        most_rows = parts.settings.max_predict_rows
        missing = signature.preparation.missing
        request = parse_request(body, signature.inputs, most_rows, missing)
        if len(request.groups) > 1:
            return None
        outputs = parts.predictor.run_here(model, request.groups[0].rows)
    except Uncomputable:  # a prediction process finds the reason
        return None
    except Invalid as error:
        raise Invalid(SourceMap(body=body).locate_all(error.faults)) from error
    if outputs is None:
        return None
    parts.metrics.count_rows(model.engine, request.count)
    content = serialize_outputs(request.form, [Computed(outputs)])
    return Response(content, media_type="application/json")


def answer_quickly(parts: Services, owner: str, model_id: str, raw: bytes) -> Response | None:
    """Returns the response to a small request that is quick and has no fault, else None."""
    model = parts.predictor.find_fresh(owner, model_id)
    if model is None:
        return None
    try:
        return answer_here(parts, model, parse_json(raw))
    except GraphfitError:  # the route answers with the error
        return None


class PredictRoute(APIRoute):
    """Checks the headers of a request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns FastAPI's handler, wrapped so that the headers are checked first."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            refuse_encoded_body(request)
            async with take_turn_if_large(request, LARGE_BYTES) as receive:
                read = Request(request.scope, receive)
                if await read.body():
                    check_json_media_type(request)
                return await handler(read)

        return handle


Classes = Annotated[
    bool,
    Query(description="Whether the answer names the classes of outputs whose targets had them."),
]
_NO_CLASSES = "No output of this model has classes; `classes` needs a model trained with them."
router = APIRouter(prefix="/v1/models", tags=["models"], route_class=PredictRoute)
_loading = CapacityLimiter(MOST_EXPORTS)
VALUE: dict[str, Any] = {
    "description": "Nested lists, one value for each row; an object by name if there are several."
}
SIGNATURE_NAME: dict[str, Any] = {"type": "string", "enum": ["serving_default"]}
ROWS: dict[str, Any] = {
    "title": "PredictRows",
    "type": "object",
    "description": "The rows of a prediction.",
    "properties": {
        "instances": {"type": "array", "items": VALUE, "description": "The rows."},
        "signature_name": SIGNATURE_NAME,
    },
    "required": ["instances"],
    "additionalProperties": False,
}
COLUMNS: dict[str, Any] = {
    "title": "PredictColumns",
    "type": "object",
    "description": "The rows of a prediction, input by input.",
    "properties": {
        "inputs": {**VALUE, "description": "The columns: the rows of each input."},
        "signature_name": SIGNATURE_NAME,
    },
    "required": ["inputs"],
    "additionalProperties": False,
}
REQUEST: dict[str, Any] = {"title": "PredictRequest", "oneOf": [ROWS, COLUMNS]}
EXAMPLE: dict[str, Any] = {
    "instances": [[5.1, 3.5, 1.4, 0.2], [7.0, 3.2, 4.7, 1.4], [6.3, 3.3, 6.0, 2.5]]
}
"""Irises of three species, for the model that the first example of a job trains."""
ANSWER: dict[str, Any] = {
    "title": "PredictAnswer",
    "type": "object",
    "description": "The predictions of a model.",
    "properties": {
        "predictions": {
            "type": "array",
            "items": VALUE,
            "description": "Answers `instances`.",
        },
        "outputs": {**VALUE, "description": "Answers `inputs`."},
        "classes": {
            **VALUE,
            "description": "The class of each row, if the query has `classes=true`; by name if the "
            "model has several outputs.",
        },
        "non_finite": {
            "type": "object",
            "additionalProperties": {"enum": list(NON_FINITE_NAMES)},
            "description": "The value that each `null` stands for, by JSON Pointer.",
        },
    },
}


@router.post(
    "/{id}:predict",
    summary="Predict",
    responses={
        200: {
            "description": "One prediction for each row.",
            "content": {"application/json": {"schema": ANSWER}},
        },
        **ASKS,
    },
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": REQUEST, "example": EXAMPLE}},
        }
    },
)
@set_route_options(RouteOptions(has_error_field=True, takes_data=True, is_quick=True))
async def predict(
    model_id: ModelPath,
    request: Request,
    parts: Parts,
    principal: CurrentPrincipal,
    classes: Classes = False,
) -> Response:
    """Returns one prediction for each row (`instances`), or the outputs of columns (`inputs`).

    Values are given by name if the model has several inputs or outputs. Rows may differ in length
    where an axis of an input is open. `null` is a missing value, which the model's training may
    have given a value. Equal requests give equal bits.
    """
    raw = await request.body()
    predictor = parts.predictor
    model = predictor.find_fresh(principal.owner, model_id)
    if model is None:
        model = await _load(parts, principal, model_id, request.scope)
        is_small = len(raw) <= QUICK_BYTES and not classes
        if is_small and (quick := answer_here(parts, model, parse_json(raw))):
            return quick
    if classes and not model.signature.preparation.classes:
        raise Invalid([Fault(pointer="", detail=_NO_CLASSES)])
    computed = asyncio.wrap_future(predictor.submit(model, FUNCTION, raw, classes))
    try:
        with ended_by_disconnect(request.scope, computed):
            answer: Answer = await computed
    except Uncomputable as error:
        raise await _explain(parts, model, error) from error
    parts.metrics.count_rows(model.engine, answer.rows)
    return Response(answer.body, media_type="application/json")


async def _load(parts: Services, principal: Principal, model_id: str, scope: Scope) -> LoadedModel:
    """Returns the model; an owner that loads many models does not delay another owner.

    In a service without keys, a model that is asked for often does not delay another model.
    """
    load = partial(parts.predictor.load, principal.owner, model_id)
    tenant = model_id if principal.owner == LOCAL_OWNER else principal.owner
    async with parts.load_turns.take(tenant, scope):
        return await to_thread.run_sync(load, limiter=_loading)


@router.post("/{id}/versions/1:predict", include_in_schema=False)
@set_route_options(RouteOptions(has_error_field=True, takes_data=True))
async def predict_by_version(
    model_id: ModelPath,
    request: Request,
    parts: Parts,
    principal: CurrentPrincipal,
    classes: Classes = False,
) -> Response:
    """Predicts as `predict` does: TensorFlow Serving's clients may name the only version."""
    return await predict(model_id, request, parts, principal, classes)


async def _explain(parts: Services, model: LoadedModel, error: Uncomputable) -> Invalid:
    """Returns the error with the node that does not take the rows, if one is found."""
    reason: str | None = None
    with suppress(GraphfitError, RuntimeError):
        reason = await asyncio.wrap_future(parts.predictor.find_misfit(model, error.shapes))
    return error if reason is None else error.explain(reason)
