"""`/v1/models/{id}:predict`: TensorFlow Serving's REST form."""

from typing import Any

from fastapi import APIRouter, Response

from api.blueprints import within
from api.dependencies import ModelPath, Owner, Parts
from api.json_route import JsonRoute, SentBody
from api.predict_forms import asked, told
from api.responses import ASKS
from domain.errors import Invalid

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=JsonRoute)
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
            "additionalProperties": {"enum": ["NaN", "Infinity", "-Infinity"]},
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
def predict(model_id: ModelPath, sent: SentBody, parts: Parts, owner: Owner) -> Response:
    """Rows (`instances`) or columns (`inputs`), bare with one input or output, else by name.

    Equal requests give equal bits.
    """
    ready = parts.predictor.ready(owner, model_id)
    try:
        question = asked(sent.json, ready.summary.inputs, parts.settings.max_predict_rows)
        outputs = parts.predictor.run(ready, question)
    except Invalid as error:
        raise Invalid(within(list(error.faults), sent.json)) from error
    parts.metrics.predictions.labels(ready.engine.name).inc(question.rows)
    return Response(told(question.form, outputs), media_type="application/json")
