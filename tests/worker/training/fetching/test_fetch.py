"""Files are fetched from allowed hosts alone, and go on where a connection broke."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from domain.errors import TooLarge
from domain.job.plan import ImportPlan
from models_store.bucket_options import BucketOptions
from tests.support.servers.buckets import BucketServer
from tests.support.stores import settings_of
from tests.worker.training.fetching.file_server import FileServer, serve
from worker.protocol.messages import Downloaded, FetchRestarted
from worker.protocol.tasks import FetchTask, ImportTask
from worker.training.fetching import fetch as module
from worker.training.fetching.fetch import Fetch
from worker.training.fetching.remote import CannotFetch, FetchInterrupted

CONTENT = bytes(range(256)) * 40_000
NO_BUCKET = BucketOptions("", "", "", SecretStr(""), 1)


class Link:
    """Keeps the messages of a process; its lease lasts."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send(self, message: Any) -> None:
        self.messages.append(message)

    def check(self) -> None:
        pass


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(module, "PART_BYTES", 3_000_000)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve(CONTENT) as running:
        yield running


def make_fetch(
    folder: Path,
    url: str,
    hosts: str,
    parts: tuple[Path, ...] = (),
    most: int = 2**40,
    **changes: Any,
) -> Fetch:
    folder.mkdir(exist_ok=True)
    values: dict[str, Any] = {
        "url": url, "hosts": hosts, "bucket": NO_BUCKET, "credentials": {},
        "total": None, "validator": None, "media_type": "",
    }  # fmt: skip
    source = FetchTask(**{**values, **changes})
    upload = f"upload_{'0' * 26}"
    plan = ImportPlan(upload=upload, source=url, media_type=None, most_bytes=most)
    task = ImportTask(
        job="job", folder=folder, lease_seconds=60, memory_bytes=0, plan=plan,
        dataset="dataset", name=None, parts=parts, source=source,
    )  # fmt: skip
    return Fetch(task, source, Link(), lambda *_: None)  # type: ignore[arg-type]


def run(fetch: Fetch) -> list[Any]:
    fetch.run()
    return fetch.link.messages  # type: ignore[attr-defined]


def content(fetch: Fetch) -> bytes:
    return b"".join(path.read_bytes() for path in fetch.paths)


def test_a_file_is_fetched_in_parts(server: FileServer, tmp_path: Path) -> None:
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    messages = run(fetch)
    assert content(fetch) == CONTENT
    assert [message.start for message in messages] == [0, 3_000_000, 6_000_000, 9_000_000]
    assert {(message.total, message.validator) for message in messages} == {(len(CONTENT), '"one"')}
    (_, headers) = server.requests[0]
    assert headers["Host"] == f"127.0.0.1:{server.port}"
    assert headers["Accept-Encoding"] == "identity"


def test_a_broken_connection_goes_on(server: FileServer, tmp_path: Path) -> None:
    server.broken_after = [3_500_000, 0, 100, 5_000_000]
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    messages = run(fetch)
    assert content(fetch) == CONTENT
    assert not any(isinstance(message, FetchRestarted) for message in messages)
    starts = [headers.get("Range") for _, headers in server.requests]
    assert starts[0] is None
    assert None not in starts[1:]
    assert len(starts) == 5


@pytest.mark.parametrize(("etag", "later"), [('"one"', '"two"'), (None, None), (None, 'W/"a"')])
def test_a_file_that_may_have_changed_is_fetched_again(
    server: FileServer, tmp_path: Path, etag: str | None, later: str | None
) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"x" * 1_000)
    server.etag = later
    changes: dict[str, Any] = {"total": 10_240_000, "validator": etag}
    hosts = f"http://127.0.0.1:{server.port}"
    fetch = make_fetch(tmp_path / "now", server.url, hosts, (old,), **changes)
    messages = run(fetch)
    assert isinstance(messages[0], FetchRestarted)
    assert content(fetch) == CONTENT


def test_a_later_attempt_goes_on_with_the_stored_parts(server: FileServer, tmp_path: Path) -> None:
    stored = tmp_path / "stored"
    stored.write_bytes(CONTENT[:7_000_000])
    changes: dict[str, Any] = {"total": len(CONTENT), "validator": '"one"'}
    hosts = f"http://127.0.0.1:{server.port}"
    fetch = make_fetch(tmp_path / "now", server.url, hosts, (stored,), **changes)
    messages = run(fetch)
    assert [message.start for message in messages] == [7_000_000, 10_000_000]
    assert content(fetch) == CONTENT
    stored.write_bytes(CONTENT)
    whole = make_fetch(tmp_path / "whole", server.url, hosts, (stored,), **changes)
    assert run(whole) == []
    assert len(server.requests) == 1


def test_a_file_without_a_length_is_fetched(server: FileServer, tmp_path: Path) -> None:
    server.has_length = False
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    run(fetch)
    assert content(fetch) == CONTENT


def test_an_empty_file_is_fetched(tmp_path: Path) -> None:
    with serve(b"") as server:
        fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
        assert run(fetch) == []
        assert fetch.paths == []


def test_a_server_that_never_answers_ends_the_attempt(server: FileServer, tmp_path: Path) -> None:
    server.broken_after = [0] * 99
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    with pytest.raises(FetchInterrupted, match="failed"):
        run(fetch)
    assert len(server.requests) == module.TRIES


@pytest.mark.parametrize(
    ("status", "error"), [(404, CannotFetch), (403, CannotFetch), (503, FetchInterrupted)]
)
def test_a_status_ends_the_attempt(
    server: FileServer, tmp_path: Path, status: int, error: type[Exception]
) -> None:
    server.status = status
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    with pytest.raises(error, match=str(status)):
        run(fetch)


@pytest.mark.parametrize("has_length", [True, False])
def test_a_file_that_is_too_large_is_not_fetched(
    server: FileServer, tmp_path: Path, has_length: bool
) -> None:
    server.has_length = has_length
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}", most=4_000_000)
    with pytest.raises(TooLarge):
        run(fetch)


def test_a_compressed_answer_is_refused(server: FileServer, tmp_path: Path) -> None:
    server.headers = {"Content-Encoding": "gzip"}
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    with pytest.raises(CannotFetch, match="compresses"):
        run(fetch)


def test_a_redirect_to_an_allowed_host_is_followed(server: FileServer, tmp_path: Path) -> None:
    server.redirects = {"/data.npz": "/b", "/b": f"http://127.0.0.1:{server.port}/c#place"}
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    run(fetch)
    assert content(fetch) == CONTENT
    assert [path for path, _ in server.requests] == ["/data.npz", "/b", "/c"]


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:1/x",
        "http://[::1]/x",
        "file:///etc/passwd",
        "s3://bucket/key",
        "ftp://127.0.0.1/x",
        "http://user:word@127.0.0.1/x",
        "http://[",
        "http://[::1",
        "//[x]/",
        "/data.npz",
    ],
)
def test_another_redirect_is_refused(server: FileServer, tmp_path: Path, target: str) -> None:
    server.redirects = {"/data.npz": target}
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    with pytest.raises(CannotFetch, match=r"redirects|fetches no files"):
        run(fetch)
    assert {path for path, _ in server.requests} == {"/data.npz"}


def test_a_name_with_a_private_address_is_refused(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(*_: Any, **__: Any) -> list[Any]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("93.184.216.34", server.port)), (*kind, ("127.0.0.1", server.port))]

    monkeypatch.setattr(socket, "getaddrinfo", find)
    url = f"http://a.example:{server.port}"
    fetch = make_fetch(tmp_path, f"{url}/x", url)
    with pytest.raises(CannotFetch, match="not public"):
        run(fetch)
    assert server.requests == []


def test_a_host_that_is_not_allowed_is_not_asked(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(CannotFetch, match="fetches no files"):
        run(make_fetch(tmp_path, server.url, ""))
    assert server.requests == []


def test_an_object_of_a_bucket_is_fetched(bucket_server: BucketServer, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, bucket_server.settings())
    from models_store.files.s3_client import open_bucket

    name = settings.artifacts_url.removeprefix("s3://").partition("/")[0]
    bucket = open_bucket(settings.bucket, name, "")
    bucket.put("a folder/data.npz", CONTENT)
    url = f"s3://{name}/a%20folder/data.npz"
    fetch = make_fetch(tmp_path / "one", url, f"s3://{name}", bucket=settings.bucket)
    messages = run(fetch)
    assert content(fetch) == CONTENT
    stored = tmp_path / "stored"
    stored.write_bytes(CONTENT[:5_000_000])
    tag = messages[0].validator
    later = make_fetch(
        tmp_path / "two", url, f"s3://{name}", (stored,), bucket=settings.bucket, validator=tag
    )
    assert run(later)[0].start == 5_000_000
    assert content(later) == CONTENT
    bucket.put("a folder/data.npz", CONTENT[::-1])
    changed = make_fetch(
        tmp_path / "three", url, f"s3://{name}", (stored,), bucket=settings.bucket, validator=tag
    )
    assert isinstance(run(changed)[0], FetchRestarted)
    assert content(changed) == CONTENT[::-1]
    for wrong in (url + "x", url.replace(name, f"{name}x")):
        with pytest.raises(CannotFetch):
            run(make_fetch(tmp_path / "four", wrong, f"s3://{name}", bucket=settings.bucket))


def test_the_messages_name_stored_files(server: FileServer, tmp_path: Path) -> None:
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    for message in run(fetch):
        assert isinstance(message, Downloaded)
        assert (tmp_path / message.file.name).stat().st_size == message.file.bytes


def test_a_part_of_an_earlier_content_stays_as_it_was_sent(
    server: FileServer, tmp_path: Path
) -> None:
    server.broken_after = [4_000_000]
    server.later = CONTENT[::-1]
    fetch = make_fetch(tmp_path, server.url, f"http://127.0.0.1:{server.port}")
    messages = run(fetch)
    kinds = [type(message) for message in messages]
    assert kinds[:3] == [Downloaded, Downloaded, FetchRestarted]
    parts = [message.file for message in messages if isinstance(message, Downloaded)]
    for file in parts:
        assert hashlib.sha256((tmp_path / file.name).read_bytes()).hexdigest() == file.sha256
    assert content(fetch) == CONTENT[::-1]
