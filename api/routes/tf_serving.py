"""Other calls of TensorFlow Serving's REST API: the status and the metadata of a model.

They are not in the OpenAPI document: clients of TensorFlow Serving know them, and other clients
have `/v1/models/{id}`. A model never changes, so its only version is 1.
"""

from fastapi import APIRouter, Response

from api.access.principal import CurrentPrincipal
from api.dependencies.parameters import ModelPath, Parts
from api.http.json.response import make_json_response
from api.protocols.tf_serving_model import ModelMetadata, ModelStatus
from models_store.records import models

router = APIRouter(prefix="/v1/models", include_in_schema=False)


@router.get("/{id}/versions/1")
def get_model_status(model_id: ModelPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Returns the status of a model: it is available."""
    with parts.database.read() as connection:
        models.get(connection, principal.owner, model_id)
    return make_json_response(ModelStatus())


@router.get("/{id}/metadata")
@router.get("/{id}/versions/1/metadata")
def get_model_metadata(model_id: ModelPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Returns the inputs and outputs of a model in TensorFlow's form."""
    with parts.database.read() as connection:
        model = models.get(connection, principal.owner, model_id)
    return make_json_response(ModelMetadata.of(model))
