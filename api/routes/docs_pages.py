"""`/docs`, `/redoc` and the pages of the problem types; they load nothing from other hosts."""

import html
from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.routing import Route

from api.http.route_options import RouteOptions, set_route_options
from api.problems.types import PROBLEMS, ProblemType
from domain.errors import NotFound

router = APIRouter(include_in_schema=False)
FILES = "/docs/files"
OPENAPI = "/openapi.json"
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
)
"""Content-Security-Policy: the browser blocks requests of the pages to other hosts."""


def add_documentation(app: FastAPI) -> None:
    """Adds the scripts and styles of both pages, and makes the OpenAPI document public."""
    set_public = set_route_options(RouteOptions(is_public=True))
    folder = Path(fastapi_offline.__file__).parent / "static"
    app.mount(FILES, set_public(StaticFiles(directory=folder)), name="docs-files")
    for route in app.routes:
        if isinstance(route, Route) and route.path == OPENAPI:
            set_public(route.endpoint)


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
            redoc_js_url=f"{FILES}/redoc.standalone.js",
            redoc_favicon_url=f"{FILES}/favicon.png",
            with_google_fonts=False,
        )
    )


def _add_policy(page: HTMLResponse) -> HTMLResponse:
    page.headers["Content-Security-Policy"] = POLICY
    return page


@router.get("/")
@set_route_options(RouteOptions(is_public=True))
async def home() -> RedirectResponse:
    """Redirects to the documentation."""
    return RedirectResponse("/docs")


@router.get("/problems/{slug}")
@set_route_options(RouteOptions(is_public=True))
async def problem(slug: str) -> HTMLResponse:
    """Returns the page of a problem type, whose address is the `type` of problem documents.

    Raises:
        NotFound: There is no such problem type.
    """
    for kind in PROBLEMS:
        if kind.slug == slug:
            return HTMLResponse(_render_page(kind))
    raise NotFound("problem type", slug[:64])


def _render_page(kind: ProblemType) -> str:
    title, meaning, advice = (html.escape(t) for t in (kind.title, kind.meaning, kind.advice))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><p>HTTP status {kind.status}</p><p>{meaning}</p><p>{advice}</p></html>"
    )
