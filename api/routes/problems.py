"""`/problems`: the problem types, as pages and as JSON."""

import html
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from api.http.accept import choose_media_type
from api.http.route_options import RouteOptions, set_route_options
from api.problems.types import PROBLEMS, ProblemType
from domain.errors import NotFound

router = APIRouter(prefix="/problems", include_in_schema=False)
MEDIA_TYPES = ("text/html", "application/json", "application/problem+json")
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "td,th{text-align:left;vertical-align:top;padding:.3rem 1rem .3rem 0}"
)


@router.get("")
@set_route_options(RouteOptions(is_public=True))
async def list_problems(request: Request) -> Response:
    """Returns every problem type, as a page or as JSON."""
    return _respond(request, _render_list(), {"items": [_describe(kind) for kind in PROBLEMS]})


@router.get("/{slug}")
@set_route_options(RouteOptions(is_public=True))
async def get_problem(slug: str, request: Request) -> Response:
    """Returns one problem type; its address is the `type` of problem documents.

    Raises:
        NotFound: There is no such problem type.
    """
    for kind in PROBLEMS:
        if kind.slug == slug:
            return _respond(request, _render_page(kind), _describe(kind))
    raise NotFound("problem type", slug[:64])


def _respond(request: Request, page: str, document: dict[str, Any]) -> Response:
    """Returns the document if the client prefers JSON to HTML; otherwise the page."""
    preferred = choose_media_type(request.headers.getlist("accept"), MEDIA_TYPES)
    response = HTMLResponse(page) if preferred == MEDIA_TYPES[0] else JSONResponse(document)
    response.headers["Vary"] = "Accept"
    return response


def _describe(kind: ProblemType) -> dict[str, Any]:
    return {
        "type": kind.uri,
        "title": kind.title,
        "status": kind.status,
        "meaning": kind.meaning,
        "advice": kind.advice,
    }


def _render_list() -> str:
    rows = "".join(
        f'<tr><td>{kind.status}</td><td><a href="{kind.uri}">{kind.slug}</a></td>'
        f"<td>{html.escape(kind.title)}</td></tr>"
        for kind in PROBLEMS
    )
    head = "<tr><th>Status</th><th>Type</th><th>Title</th></tr>"
    text = "<p>Every error is a problem document (RFC 9457). Its <code>type</code> is one of:</p>"
    return _render("Problems", f"{text}<table>{head}{rows}</table>")


def _render_page(kind: ProblemType) -> str:
    meaning, advice = html.escape(kind.meaning), html.escape(kind.advice)
    link = '<p><a href="/problems">All problems</a></p>'
    return _render(
        kind.title, f"<p>HTTP status {kind.status}</p><p>{meaning}</p><p>{advice}</p>{link}"
    )


def _render(title: str, body: str) -> str:
    escaped = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escaped}</title>'
        f"<style>{STYLE}</style><h1>{escaped}</h1>{body}</html>"
    )
