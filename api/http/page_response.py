"""Responses with one page of a list, which link to the next page (RFC 8288)."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import BaseModel

from api.http.json.response import encode_list
from api.http.schemas import Page


def make_page_response(request: Request, page: Page[Any]) -> Response:
    """Returns a response with a page, and with `Link: <...>; rel="next"` if it is not the last."""
    return make_list_response(request, "items", page.items, page.next_cursor)


def make_list_response(
    request: Request, name: str, items: Iterable[BaseModel], next_cursor: str | None
) -> Response:
    """Returns a response with some items of a list, and with a link to the next ones.

    Args:
        request: The request.
        name: The field with the list.
        items: The items.
        next_cursor: The cursor of the next items; None if these are the last ones.
    """
    body = encode_list(name, items, next_cursor=next_cursor)
    if next_cursor is None:
        return Response(body, media_type="application/json")
    kept = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
    query = urlencode([*kept, ("cursor", next_cursor)])
    headers = {"Link": f'<{request.url.path}?{query}>; rel="next"'}
    return Response(body, headers=headers, media_type="application/json")
