"""`/docs`, `/redoc` and the pages of the problems: nothing in them comes from outside."""

import html
from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from api.problems.types import PROBLEMS, ProblemType
from domain.errors import NotFound

router = APIRouter(include_in_schema=False)
FILES = "/docs/files"
OPENAPI = "/openapi.json"
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
)
"""The browser itself then asks nobody outside, whatever the pages' scripts would like."""


def add_static_files(app: FastAPI) -> None:
    """The scripts and styles of both pages, out of a package that carries them."""
    folder = Path(fastapi_offline.__file__).parent / "static"
    app.mount(FILES, StaticFiles(directory=folder), name="docs-files")


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Swagger UI: the API to try out."""
    return _closed(
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
async def redoc() -> HTMLResponse:
    """ReDoc: the API to read."""
    return _closed(
        get_redoc_html(
            openapi_url=OPENAPI,
            title="Graphfit",
            redoc_js_url=f"{FILES}/redoc.standalone.js",
            redoc_favicon_url=f"{FILES}/favicon.png",
            with_google_fonts=False,
        )
    )


def _closed(page: HTMLResponse) -> HTMLResponse:
    page.headers["Content-Security-Policy"] = POLICY
    return page


@router.get("/")
async def home() -> RedirectResponse:
    """The address alone leads to the documentation."""
    return RedirectResponse("/docs")


@router.get("/problems/{slug}")
async def problem(slug: str) -> HTMLResponse:
    """What a problem's `type` leads to."""
    for kind in PROBLEMS:
        if kind.slug == slug:
            return HTMLResponse(_page(kind))
    raise NotFound("problem type", slug[:64])


def _page(kind: ProblemType) -> str:
    title, meaning, advice = (html.escape(t) for t in (kind.title, kind.meaning, kind.advice))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><p>HTTP status {kind.status}</p><p>{meaning}</p><p>{advice}</p></html>"
    )
