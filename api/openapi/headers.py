"""The headers of responses in the OpenAPI document."""

from collections.abc import Iterable, Mapping
from typing import Any

from api.openapi.operations import Operation, list_operations
from api.openapi.schema_tree import get_reference

_HEADERS: Mapping[str, tuple[str, str]] = {
    "Accept-Ranges": ("string", "`bytes`: the file may be requested in parts."),
    "Content-Disposition": ("string", "The name of the file."),
    "Content-Range": ("string", "The place of the part in the file, and the length of the file."),
    "ETag": ("string", "The version of the response, for `If-None-Match`."),
    "Link": ("string", 'The address of the next page, as `rel="next"`; absent on the last page.'),
    "Location": ("string", "The address of the new resource."),
    "Retry-After": ("integer", "Seconds to wait before the next request."),
    "Tus-Checksum-Algorithm": ("string", "The algorithms of `Upload-Checksum`."),
    "Tus-Extension": ("string", "The extensions of tus that the service supports."),
    "Tus-Max-Size": ("integer", "The most bytes of an upload."),
    "Tus-Resumable": ("string", "The version of tus of the answer."),
    "Tus-Version": ("string", "The versions of tus that the service supports."),
    "Upload-Expires": ("string", "When the upload expires, as HTTP writes times."),
    "Upload-Length": ("integer", "The number of bytes of the whole file."),
    "Upload-Metadata": ("string", "What the client said about the file."),
    "Upload-Offset": ("integer", "The number of bytes that are stored."),
    "WWW-Authenticate": ("string", "The scheme of the key: `Bearer`."),
}
"""The type and the description of each header."""
_BY_STATUS: Mapping[str, tuple[str, ...]] = {
    "201": ("Location",),
    "206": ("Accept-Ranges", "Content-Disposition", "Content-Range", "ETag"),
    "304": ("ETag",),
    "401": ("WWW-Authenticate",),
    "409": ("Retry-After",),
    "416": ("Content-Range",),
    "503": ("Retry-After",),
}
"""The headers of every response with a status."""
_BY_OPERATION: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("appendPart", "204"): ("Tus-Resumable", "Upload-Expires", "Upload-Offset"),
    ("createUpload", "201"): ("Tus-Resumable", "Upload-Expires", "Upload-Length", "Upload-Offset"),
    ("describeUploads", "204"): (
        *("Tus-Checksum-Algorithm", "Tus-Extension", "Tus-Max-Size"),
        *("Tus-Resumable", "Tus-Version"),
    ),
    ("getUpload", "200"): (
        *("Tus-Resumable", "Upload-Expires", "Upload-Length"),
        *("Upload-Metadata", "Upload-Offset"),
    ),
    ("createJob", "202"): ("Location", "Retry-After"),
    ("createSweep", "202"): ("Location", "Retry-After"),
    ("getSweep", "200"): ("Retry-After",),
    ("getSweep", "304"): ("Retry-After",),
    ("getJob", "200"): ("Retry-After",),
    ("getJob", "304"): ("Retry-After",),
    ("getModelFile", "200"): ("Accept-Ranges", "Content-Disposition"),
}
"""Further headers, by operation and status."""


def add_headers(document: dict[str, Any]) -> None:
    """Adds the headers of all responses."""
    document["components"]["headers"] = {
        name: {"description": description, "schema": {"type": kind}}
        for name, (kind, description) in _HEADERS.items()
    }
    for _, operation in list_operations(document):
        for status, response in operation["responses"].items():
            if names := _list_headers(operation, status):
                response["headers"] = _refer_to(names)


def _list_headers(operation: Operation, status: str) -> list[str]:
    own = _BY_OPERATION.get((operation["operationId"], status), ())
    names = {*_BY_STATUS.get(status, ()), *own}
    if status == "200" and "304" in operation["responses"]:
        names.add("ETag")
    if _is_page(operation["responses"][status]):
        names.add("Link")
    return sorted(names)


def _is_page(response: dict[str, Any]) -> bool:
    """Returns whether the body of a response is one page of a list."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    name = get_reference(schema) or ""
    return name.startswith("Page_") or name in ("Events", "Trials")


def _refer_to(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
