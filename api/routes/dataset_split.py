"""`/v1/datasets/{id}/split`: splits a dataset into parts."""

import secrets
from contextlib import suppress

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.idempotency import Idempotency, StoreResponse
from api.dependencies.parameters import DatasetPath, Parts, Services
from api.http.json.body import CurrentBody, JsonRoute
from api.http.json.response import make_json_response
from api.http.schemas import Answer
from api.problems.openapi_responses import CREATES, READS
from api.routes.datasets import DatasetAnswer
from domain.errors import Busy
from domain.splits.split import SplitRequest
from models_store.datasets import ingest
from models_store.datasets.split.split import StagedSplit, stage_split
from models_store.records import datasets

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=JsonRoute)
SEED_COUNT = 2**32


class SplitAnswer(Answer):
    """The parts of a dataset, each a dataset of its own."""

    seed: int
    parts: dict[str, DatasetAnswer]


@router.post(
    "/{id}/split",
    status_code=201,
    summary="Split a dataset",
    response_model=SplitAnswer,
    responses={**CREATES, **READS},
)
async def split_dataset(
    dataset_id: DatasetPath,
    request: SplitRequest,
    sent: CurrentBody,
    parts: Parts,
    principal: CurrentPrincipal,
    once: Idempotency,
) -> Response:
    """Makes a dataset of each part, without a copy of its rows.

    Each part can be used and deleted by itself, as can the dataset that was split.
    """

    def make(store_response: StoreResponse) -> Response:
        return _split(parts, principal, dataset_id, request, store_response)

    return await run_in_threadpool(once.run, sent.raw, make)


def _split(
    parts: Services,
    principal: Principal,
    dataset_id: str,
    request: SplitRequest,
    store_response: StoreResponse,
) -> Response:
    with parts.database.read() as connection:
        dataset = datasets.get(connection, principal.owner, dataset_id)
    seed = secrets.randbelow(SEED_COUNT) if request.seed is None else request.seed
    with stage_split(parts.artifacts, dataset, request, seed) as staged:
        parts.artifacts.publish_all(staged.files)
        try:
            return _insert(parts, principal, dataset_id, seed, staged, store_response)
        except Busy:  # the rows may exist; the sweep deletes the files of those that do not
            raise
        except BaseException:
            _discard(parts, staged)
            raise


def _insert(
    parts: Services,
    principal: Principal,
    dataset_id: str,
    seed: int,
    staged: StagedSplit,
    store_response: StoreResponse,
) -> Response:
    made = {
        name: DatasetAnswer.model_construct(**dict(part)) for name, part in staged.parts.items()
    }
    with parts.database.write() as connection:
        datasets.keep(connection, principal.owner, dataset_id)
        for part in staged.parts.values():
            datasets.insert(connection, principal.owner, part)
        response = make_json_response(SplitAnswer.model_construct(seed=seed, parts=made), 201)
        store_response(connection, response)
    return response


def _discard(parts: Services, staged: StagedSplit) -> None:
    for part in staged.parts.values():
        with suppress(Busy):
            ingest.discard(parts.artifacts, part.id)
