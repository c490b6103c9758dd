"""`/v1/models/{id}:predict`: TensorFlow Serving's REST form."""

from typing import Any

from fastapi import APIRouter, Response

from api.access.principal import SCOPE, CurrentPrincipal, Principal
from api.dependencies.parameters import ModelPath, Parts, Services
from api.http.json_body import CurrentBody, JsonRequest, JsonRoute, ReceivedBody
from api.problems.responses import ASKS
from api.protocols.tf_serving import asked, told
from application.prediction.predictor import Ready
from domain.errors import Invalid
from domain.non_finite import NON_FINITE_NAMES
from domain.source_map import SourceMap

QUICK_BYTES = 4096


def predicted(parts: Services, ready: Ready, sent: ReceivedBody) -> Response:
    """The answer of a model that is ready.

    Raises:
        Invalid: the rows are not as the model wants them.
    """
    try:
        question = asked(sent.json, ready.summary.inputs, parts.settings.max_predict_rows)
        outputs = parts.predictor.run(ready, question.rows)
    except Invalid as error:
        raise Invalid(SourceMap(body=sent.json).locate_all(error.faults)) from error
    parts.metrics.predictions.labels(ready.engine.name).inc(question.rows.count)
    return Response(told(question.form, outputs), media_type="application/json")


class PredictRoute(JsonRoute):
    """Small predictions are sooner done than a thread is found for them."""

    def respond_early(self, request: JsonRequest) -> Response | None:
        """The answer of a model that was looked up a moment ago and computes in no time."""
        if request.scope["query_string"] or len(request.received.raw) > QUICK_BYTES:
            return None
        parts: Services = request.app.state.services
        principal: Principal = request.scope[SCOPE]
        ready = parts.predictor.fresh(principal.owner, request.path_params["id"])
        if ready is None or not ready.engine.is_quick:
            return None
        return predicted(parts, ready, request.received)


router = APIRouter(prefix="/v1/models", tags=["models"], route_class=PredictRoute)
VALUE: dict[str, Any] = {
    "description": "Nested lists: a value for each row; an object by name with several."
}
REQUEST: dict[str, Any] = {
    "type": "object",
    "properties": {
        "instances": {"type": "array", "items": VALUE, "description": "Rows."},
        "inputs": {**VALUE, "description": "Columns: each input with its rows."},
        "signature_name": {"type": "string", "enum": ["serving_default"]},
    },
    "oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}],
    "additionalProperties": False,
    "examples": [{"instances": [[0.0, 1.0], [1.0, 1.0]]}],
}
ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "predictions": {"type": "array", "items": VALUE, "description": "For `instances`."},
        "outputs": {**VALUE, "description": "For `inputs`."},
        "non_finite": {
            "type": "object",
            "additionalProperties": {"enum": list(NON_FINITE_NAMES)},
            "description": "JSON Pointer to what the `null` there stands for.",
        },
    },
}


@router.post(
    "/{id}:predict",
    summary="Predict",
    responses={
        200: {
            "description": "One prediction a row.",
            "content": {"application/json": {"schema": ANSWER}},
        },
        **ASKS,
    },
    response_class=Response,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": REQUEST}}}
    },
)
def predict(
    model_id: ModelPath, sent: CurrentBody, parts: Parts, principal: CurrentPrincipal
) -> Response:
    """Rows (`instances`) or columns (`inputs`), bare with one input or output, else by name.

    Equal requests give equal bits.
    """
    return predicted(parts, parts.predictor.ready(principal.owner, model_id), sent)
