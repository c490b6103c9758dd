"""HEAD is answered wherever GET is: with the same status and headers, and no body."""

import httpx
import pytest

from tests.api.callers import caller
from tests.support.api_server import Server
from tests.support.queued_jobs import queue

UNKNOWN = "0" * 26


def check(client: httpx.Client, path: str, **headers: str) -> httpx.Response:
    """Checks a HEAD request against the same GET request."""
    got = client.get(path, headers=headers, follow_redirects=False)
    head = client.head(path, headers=headers, follow_redirects=False)
    assert head.content == b""
    assert head.status_code == got.status_code
    changing = {"date", "content-length"} if path == "/metrics" else {"date"}
    for name in (got.headers.keys() | head.headers.keys()) - changing:
        assert head.headers.get(name) == got.headers.get(name), name
    return head


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/docs", 200),
        ("/redoc", 200),
        ("/docs/files/swagger-ui.css", 200),
        ("/openapi.json", 200),
        ("/", 307),
        ("/problems/busy", 200),
        ("/v1/info", 200),
        ("/v1/workers", 200),
        ("/v1/jobs", 200),
        ("/v1/graphs?page_size=1", 200),
        ("/v1/layers", 200),
        ("/v1/layers/Dense", 200),
        (f"/v1/jobs/job_{UNKNOWN}", 404),
        (f"/v1/models/model_{UNKNOWN}", 404),
        ("/nowhere", 404),
        ("/v1/jobs?stat=queued", 422),
    ],
)
def test_head_is_get_without_its_body(client: httpx.Client, path: str, status: int) -> None:
    assert check(client, path).status_code == status


def test_polls_of_a_job_may_use_head(server: Server) -> None:
    """The second request is answered by the middleware that sends cached snapshots."""
    with server.parts.database.write() as connection:
        job_id = queue(connection)
    path = f"/v1/jobs/{job_id}"
    for _ in range(3):
        etag = check(server.client, path).headers["etag"]
        assert check(server.client, path, **{"If-None-Match": etag}).status_code == 304
        assert check(server.client, path, **{"If-Match": "*"}).status_code == 200
        assert check(server.client, path, **{"If-Match": etag}).status_code == 412


def test_a_connection_is_usable_after_a_head_request(client: httpx.Client) -> None:
    for _ in range(3):
        assert client.head("/v1/layers").status_code == 200
        assert client.get("/healthz").json() == {"status": "ok"}


def test_paths_without_get_have_no_head(client: httpx.Client) -> None:
    answer = client.head(f"/v1/jobs/job_{UNKNOWN}/cancel")
    assert (answer.status_code, answer.content) == (405, b"")
    assert answer.headers["allow"] == "POST"


def test_head_needs_a_key_as_get_does(keyed: Server) -> None:
    assert httpx.head(f"{keyed.address}/v1/jobs").status_code == 401
    assert httpx.head(f"{keyed.address}/healthz").status_code == 200
    assert caller(keyed, "ada").client.head("/v1/jobs").status_code == 200


def test_requests_are_counted_by_their_method(client: httpx.Client) -> None:
    client.head("/v1/workers")
    line = 'graphfit_http_requests_total{method="HEAD",route="/v1/workers",status="200"}'
    assert line in client.get("/metrics").text
