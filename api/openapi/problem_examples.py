"""The examples of problem documents: each operation shows its own."""

from collections.abc import Mapping
from typing import Any

from api.openapi.operations import Operation, list_operations
from api.problems import types
from api.problems.error_field import make_error_field
from api.problems.types import MEDIA_TYPE, PROBLEMS, ProblemType
from domain.errors import Fault

_IDS: Mapping[str, str] = {
    "datasets": "dataset_01jdq7n5t2c4x6y8z0b1d3f5g7",
    "graphs": "graph_01jdq7k9w3m5p7r9s1t3v5x7y9",
    "jobs": "job_01jdq8zv3m5k7n9p2r4s6t8v0w",
    "models": "model_01jdq9b2c4d6f8g0h2j4k6m8n0",
    "sweeps": "sweep_01jdqa4c6e8g0j2m4p6r8t0v2x",
    "uploads": "upload_01jdq7p3k5m7n9q1s3v5x7z9b1",
}
"""The ids in the examples, by the collection in the path."""
_NAMES: Mapping[str, str] = {"{name}": "model.keras", "{op}": "mean", "{type}": "Dense"}
"""The values of other path parameters in the examples."""
_MISSPELT: Mapping[str, tuple[str, str]] = {
    "{name}": ("file", "model.kera"),
    "{op}": ("function of keras.ops", "meen"),
    "{type}": ("layer type", "Dens"),
}
"""What is not found if such a parameter is misspelt, and the misspelt value."""
_DETAILS: Mapping[ProblemType, str] = {
    types.NOT_JSON: "The body is not JSON: expected value at line 1 column 13. NaN is not JSON.",
    types.BAD_REQUEST: "The `Range` header has no byte ranges, e.g. `bytes=0-1023`.",
    types.DIGEST_MISMATCH: "The body does not have the hash that `Content-Digest` gives.",
    types.UNAUTHORIZED: "Send an API key: `Authorization: Bearer gf_...`. `graphfit keys create` "
    "makes one.",
    types.FORBIDDEN_ORIGIN: "Pages of 'https://example.com' may not call this service.",
    types.CONFLICT: "A request with this `Idempotency-Key` is in progress.",
    types.PRECONDITION_FAILED: "`If-Match` does not match the resource: it has no strong entity "
    "tag.",
    types.TOO_LARGE: "The body of this request may have at most 67108864 bytes (MAX_JSON_BYTES).",
    types.UNSUPPORTED_MEDIA_TYPE: "This address accepts only JSON: send `Content-Type: "
    "application/json`.",
    types.RANGE_NOT_SATISFIABLE: "The range is outside the file.",
    types.MISDIRECTED: "This service answers on loopback hosts only, not on 'example.com'.",
    types.INTERNAL: "The service has failed. It has probably stored nothing of the request.",
    types.BUSY: "The database does not answer just now.",
    types.STORAGE_FULL: "The server has no room left to store this; nothing of the request was "
    "stored.",
}
"""The details of most operations."""
_OTHER_CONTENTS = (
    "`If-Match` does not match the resource: its entity tag is "
    '"ebfa2c6a939d07f499cc5ac87c0b949c7b2777d5ba15052537378c044ff46e96".'
)
_OWN_DETAILS: Mapping[tuple[str, ProblemType], str] = {
    ("appendPart", types.BAD_REQUEST): "A part needs the header `Upload-Offset`.",
    ("appendPart", types.BUSY): "Too many uploads are waiting.",
    (
        "appendPart",
        types.CONFLICT,
    ): "The upload has 8388608 bytes, so its next part begins at offset 8388608, not at 0.",
    ("appendPart", types.PRECONDITION_FAILED): "The header `Tus-Resumable: 1.0.0` is needed.",
    ("appendPart", types.TOO_LARGE): "The upload has at most 52428800 bytes; this part ends after "
    "that.",
    ("appendPart", types.UNSUPPORTED_MEDIA_TYPE): "A part of an upload has `Content-Type: "
    "application/offset+octet-stream`.",
    ("createUpload", types.BAD_REQUEST): "A new upload needs the header `Upload-Length`, or "
    "`Upload-Defer-Length: 1` if the length is not known yet.",
    ("createUpload", types.BUSY): "Too many uploads are waiting.",
    ("createUpload", types.PRECONDITION_FAILED): "The header `Tus-Resumable: 1.0.0` is needed.",
    ("createUpload", types.TOO_LARGE): "An upload may have at most 17179869184 bytes "
    "(MAX_UPLOAD_BYTES).",
    ("createUpload", types.UNSUPPORTED_MEDIA_TYPE): "A part of an upload has `Content-Type: "
    "application/offset+octet-stream`.",
    ("cancelSweep", types.CONFLICT): "The sweep has succeeded already.",
    ("createSweep", types.BUSY): "Too many graphs are being checked.",
    ("deleteSweep", types.CONFLICT): "The sweep is running; cancel it first and delete it when it "
    "has ended.",
    ("getSweep", types.PRECONDITION_FAILED): "`If-Match` does not match the resource: its entity "
    'tag is W/"7".',
    ("deleteUpload", types.CONFLICT): f"The job '{_IDS['jobs']}', which is running, uses "
    f"'{_IDS['uploads']}'.",
    ("cancelJob", types.CONFLICT): "The job has succeeded already.",
    ("createDataset", types.BUSY): "Too many uploads are waiting.",
    ("createDataset", types.TOO_LARGE): "The body of this request may have at most 17179869184 "
    "bytes (MAX_UPLOAD_BYTES).",
    ("createDataset", types.UNSUPPORTED_MEDIA_TYPE): "A dataset's Content-Type is one of "
    "application/json, application/x-npz.",
    ("createGraph", types.BUSY): "Too many graphs are being checked.",
    ("createGraph", types.TOO_LARGE): "The body of this request may have at most 4194304 bytes "
    "(MAX_DEFINITION_BYTES).",
    ("createJob", types.BUSY): "Too many graphs are being checked.",
    ("deleteDataset", types.CONFLICT): f"The job '{_IDS['jobs']}', which is running, uses "
    f"'{_IDS['datasets']}'.",
    ("deleteGraph", types.CONFLICT): f"The job '{_IDS['jobs']}', which is queued, uses "
    f"'{_IDS['graphs']}'.",
    ("deleteJob", types.CONFLICT): "The job is running; cancel it first and delete it when it has "
    "ended.",
    ("deleteModel", types.CONFLICT): f"The job '{_IDS['jobs']}', which is running, uses "
    f"'{_IDS['models']}'.",
    ("getJob", types.PRECONDITION_FAILED): "`If-Match` does not match the resource: its entity "
    'tag is W/"7".',
    **{
        (operation, types.PRECONDITION_FAILED): _OTHER_CONTENTS
        for operation in ("getLayer", "getModelFile", "getOp", "listLayers", "listOps")
    },
    ("getReadiness", types.BUSY): "checker: The checker is still importing Keras.",
    ("pauseJob", types.CONFLICT): "The job has ended already: it is succeeded.",
    ("finishJob", types.CONFLICT): "The job has ended already: it is failed.",
    ("resumeJob", types.CONFLICT): "The job is about to be paused; resume it once it is.",
}
"""The details of single operations."""
_FAULTS: Mapping[str, tuple[str, str]] = {
    "createDataset": ("/columns/species", "Column 'species' has 5 rows where 'measures' has 6."),
    "createGraph": (
        "/definition/nodes/0/layer/type",
        "There is no layer type 'Dens'. Did you mean 'Dense'?",
    ),
    "createJob": (
        "/compile/loss",
        "There is no loss 'sparse_crossentropy'. Did you mean 'sparse_categorical_crossentropy'? "
        "`GET /v1/losses` lists all names.",
    ),
    "createSweep": (
        "/space/~1compile~1optimizer/choices/1",
        "There is no optimizer 'adamm'. Did you mean 'adam'?",
    ),
    "getGraphKerasJson": ("/definition/nodes/0", "Keras's JSON cannot express this node."),
    "predict": (
        "/instances/0",
        "Input 'measures' takes rows of the shape [4]: a list of 4 belongs here.",
    ),
}
"""The pointer and the detail of a fault in the request, by operation."""
_WITH_ERROR_FIELD = frozenset({"predict"})
"""The operations whose problems have TensorFlow Serving's field `error`."""


def add_problem_examples(document: dict[str, Any]) -> None:
    """Adds an example to each problem of each operation."""
    by_slug = {kind.slug: kind for kind in PROBLEMS}
    for path, operation in list_operations(document):
        for response in operation["responses"].values():
            examples = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
            for slug, example in examples.items():
                example["value"] = _make_problem(by_slug[slug], path, operation)


def _make_problem(kind: ProblemType, path: str, operation: Operation) -> dict[str, Any]:
    name = operation["operationId"]
    problem: dict[str, Any] = {"type": kind.uri, "title": kind.title, "status": kind.status}
    pointer = ""
    if kind is types.NOT_FOUND:
        problem["detail"] = _describe_missing(path)
    elif kind is types.INVALID_REQUEST:
        pointer, problem["detail"] = _FAULTS.get(name) or ("", _misspell_parameter(operation))
    else:
        problem["detail"] = _OWN_DETAILS.get((name, kind), _DETAILS.get(kind, kind.meaning))
    problem["instance"] = _fill(path, is_missing=kind is types.NOT_FOUND)
    if kind is types.INVALID_REQUEST:
        problem["errors"] = [{"pointer": pointer, "detail": problem["detail"]}]
    if name in _WITH_ERROR_FIELD:
        faults = [Fault.model_validate(fault) for fault in problem.get("errors", ())]
        problem["error"] = make_error_field(problem["detail"], tuple(faults))
    return problem


def _describe_missing(path: str) -> str:
    """Returns the detail of a 404, which names the last parameter of the path."""
    for parameter, (noun, value) in _MISSPELT.items():
        if path.endswith(parameter):
            near = "" if parameter == "{name}" else f" Did you mean '{_NAMES[parameter]}'?"
            return f"There is no {noun} '{value}'.{near}"
    collection = path.split("/")[2]
    return f"There is no {collection.removesuffix('s')} '{_IDS.get(collection, 'x')}'."


def _fill(path: str, *, is_missing: bool) -> str:
    """Returns a path with values of its parameters; the last is misspelt if it `is_missing`."""
    collection = [*path.split("/"), "", ""][2]
    filled = path.replace("{id}", _IDS.get(collection, "x"))
    for parameter, value in _NAMES.items():
        shown = _MISSPELT[parameter][1] if is_missing else value
        filled = filled.replace(parameter, shown)
    return filled


def _misspell_parameter(operation: Operation) -> str:
    """Returns the detail of a 422 for a query parameter that the operation does not have."""
    names = [item["name"] for item in operation.get("parameters", ()) if item["in"] == "query"]
    if not names:
        return "There is no parameter 'verbose'."
    return f"There is no parameter '{names[0]}s'. Did you mean '{names[0]}'?"
