"""`/v1/models/{id}:predict`: predictions in TensorFlow Serving's REST format."""

from typing import Any

from fastapi import APIRouter, Response

from api.access.principal import SCOPE, CurrentPrincipal, Principal
from api.dependencies.parameters import ModelPath, Parts, Services
from api.http.json_body import CurrentBody, JsonRequest, JsonRoute, ReceivedBody
from api.http.route_options import RouteOptions, set_route_options
from api.problems.openapi_responses import ASKS
from api.protocols.tf_serving import parse_request, serialize_outputs
from application.prediction.predictor import LoadedModel
from domain.errors import Invalid
from domain.non_finite import NON_FINITE_NAMES
from domain.source_map import SourceMap

QUICK_BYTES = 4096
"""The largest request body that is answered in the event loop's thread."""


def make_prediction(parts: Services, model: LoadedModel, sent: ReceivedBody) -> Response:
    """Returns the response with the predictions of a loaded model.

    Raises:
        Invalid: the rows do not match the inputs of the model.
    """
    try:
        predict_request = parse_request(
            sent.json, model.summary.inputs, parts.settings.max_predict_rows
        )
        outputs = parts.predictor.run(model, predict_request.rows)
    except Invalid as error:
        raise Invalid(SourceMap(body=sent.json).locate_all(error.faults)) from error
    parts.metrics.predictions.labels(model.engine.name).inc(predict_request.rows.count)
    return Response(serialize_outputs(predict_request.form, outputs), media_type="application/json")


class PredictRoute(JsonRoute):
    """Runs small predictions in the event loop's thread, which is faster than a thread switch."""

    def respond_early(self, request: JsonRequest) -> Response | None:
        """Returns the response to a small request if the model is loaded and quick, else None."""
        if request.scope["query_string"] or len(request.received.raw) > QUICK_BYTES:
            return None
        parts: Services = request.app.state.services
        principal: Principal = request.scope[SCOPE]
        model = parts.predictor.find_fresh(principal.owner, request.path_params["id"])
        if model is None or not model.engine.is_quick:
            return None
        return make_prediction(parts, model, request.received)


router = APIRouter(prefix="/v1/models", tags=["models"], route_class=PredictRoute)
VALUE: dict[str, Any] = {
    "description": "Nested lists, one value for each row; an object by name if there are several."
}
REQUEST: dict[str, Any] = {
    "type": "object",
    "properties": {
        "instances": {"type": "array", "items": VALUE, "description": "The rows."},
        "inputs": {**VALUE, "description": "The columns: the rows of each input."},
        "signature_name": {"type": "string", "enum": ["serving_default"]},
    },
    "oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}],
    "additionalProperties": False,
    "examples": [{"instances": [[0.0, 1.0], [1.0, 1.0]]}],
}
ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "predictions": {
            "type": "array",
            "items": VALUE,
            "description": "Answers `instances`.",
        },
        "outputs": {**VALUE, "description": "Answers `inputs`."},
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
        "requestBody": {"required": True, "content": {"application/json": {"schema": REQUEST}}}
    },
)
@set_route_options(RouteOptions(has_error_field=True))
def predict(
    model_id: ModelPath, sent: CurrentBody, parts: Parts, principal: CurrentPrincipal
) -> Response:
    """Returns one prediction for each row (`instances`), or the outputs of columns (`inputs`).

    Values are given by name if the model has several inputs or outputs. Equal requests give equal
    bits.
    """
    return make_prediction(parts, parts.predictor.load(principal.owner, model_id), sent)
