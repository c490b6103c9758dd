"""The media type of a response by `Accept`, as RFC 9110 (12.5.1) and the cases of users have it."""

import pytest

from api.http.accept import choose_media_type

JSON, STREAM = "application/json", "text/event-stream"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/html", JSON),
        ("application/json", JSON),
        ("text/event-stream", STREAM),
        ("TEXT/EVENT-STREAM", STREAM),
        ("text/event-stream; charset=utf-8", STREAM),
        ("text/event-stream;q=0", JSON),
        ("text/event-stream;q=0, */*", JSON),
        ("text/event-stream;q=0.0", JSON),
        ("application/json, text/event-stream;q=0.5", JSON),
        ("application/json;q=0.4, text/event-stream;Q=0.5", STREAM),
        ("application/json, text/event-stream", JSON),
        ("text/event-stream, application/json", STREAM),
        ("text/event-stream, */*;q=0.1", STREAM),
        ("*/*, text/event-stream", STREAM),
        ("text/*", STREAM),
        ("text/*;q=0.5, text/event-stream;q=0, */*;q=0.1", JSON),
        ("application/*, text/event-stream;q=0.9", JSON),
        ("text/event-stream;q=x", STREAM),
        (",, ;q=1,", JSON),
        ("x-text/event-streams", JSON),
    ],
)
def test_the_preferred_type_is_chosen(accept: str, chosen: str) -> None:
    assert choose_media_type([accept], (JSON, STREAM)) == chosen


def test_several_headers_are_one_list() -> None:
    assert (
        choose_media_type(["application/json;q=0.1", "text/event-stream"], (JSON, STREAM)) == STREAM
    )
