"""`/docs` and `/redoc`; they load nothing from other hosts."""

import hashlib
from functools import cache
from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic_core import to_json

from api.dependencies.parameters import CurrentConditions
from api.http.route_options import RouteOptions, set_route_options

router = APIRouter(include_in_schema=False)
FILES = "/docs/files"
MEDIA_TYPES = {
    "favicon.png": "image/png",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
FOLDER = Path(fastapi_offline.__file__).parent / "static"
REDOC = "/docs/redoc.js"
LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
"""A picture that ReDoc's script loads from another host."""
NO_PICTURE = "data:,"
OPENAPI = "/openapi.json"
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
)
"""Content-Security-Policy: the browser blocks requests of the pages to other hosts."""


@router.get(f"{FILES}/{{path}}")
@set_route_options(RouteOptions(is_public=True))
async def page_file(path: str, conditions: CurrentConditions) -> Response:
    """Returns a script or a style of the pages, from memory.

    To read files takes threads, for which clients that need no key would queue.
    """
    if path not in MEDIA_TYPES:
        raise HTTPException(404)
    body, etag = _read_file(path)
    headers = {"ETag": etag}
    if conditions.is_unchanged(etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=MEDIA_TYPES[path])


@cache
def _read_file(path: str) -> tuple[bytes, str]:
    body = (FOLDER / path).read_bytes()
    return body, _make_etag(body)


def _make_etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()}"'


@router.get(OPENAPI)
@set_route_options(RouteOptions(is_public=True))
def openapi_document(request: Request, conditions: CurrentConditions) -> Response:
    """Returns the OpenAPI document, which is made once, in a thread."""
    body, etag = _encode_document(request.app)
    headers = {"ETag": etag}
    if conditions.is_unchanged(etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@cache
def _encode_document(app: FastAPI) -> tuple[bytes, str]:
    body = to_json(app.openapi())
    return body, _make_etag(body)


@router.get("/docs")
@set_route_options(RouteOptions(is_public=True))
async def docs() -> HTMLResponse:
    """Returns Swagger UI, a page that sends requests to the API."""
    return _add_policy(
        get_swagger_ui_html(
            openapi_url=OPENAPI,
            title="Graphfit",
            swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{FILES}/swagger-ui.css",
            swagger_favicon_url=f"{FILES}/favicon.png",
            swagger_ui_parameters={"validatorUrl": None},
        )
    )


@router.get("/redoc")
@set_route_options(RouteOptions(is_public=True))
async def redoc() -> HTMLResponse:
    """Returns ReDoc, a page that describes the API."""
    return _add_policy(
        get_redoc_html(
            openapi_url=OPENAPI,
            title="Graphfit",
            redoc_js_url=REDOC,
            redoc_favicon_url=f"{FILES}/favicon.png",
            with_google_fonts=False,
        )
    )


@router.get(REDOC)
@set_route_options(RouteOptions(is_public=True))
def redoc_script() -> Response:
    """Returns ReDoc's script without the picture of another host."""
    headers = {"Cache-Control": "max-age=3600"}
    return Response(_read_redoc(), headers=headers, media_type="text/javascript")


@cache
def _read_redoc() -> bytes:
    script = (FOLDER / "redoc.standalone.js").read_text(encoding="utf-8")
    return script.replace(LOGO, NO_PICTURE).encode()


def _add_policy(page: HTMLResponse) -> HTMLResponse:
    page.headers["Content-Security-Policy"] = POLICY
    return page


@router.get("/")
@set_route_options(RouteOptions(is_public=True))
async def home() -> RedirectResponse:
    """Redirects to the documentation."""
    return RedirectResponse("/docs")
