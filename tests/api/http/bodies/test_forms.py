"""Forms with a file, as browsers send them, through HTTP."""

import io
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.http.bodies.forms import FormFile
from domain.errors import Invalid
from tests.api.requests import faults, made
from tests.support.api_server import Server

JSON = b'{"columns": {"x": [1, 2]}}'


def post(server: Server, files: Any, data: dict[str, Any] | None = None) -> httpx.Response:
    return server.client.post("/v1/datasets", files=files, data=data)


def dump(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "file",
    [
        ("data.json", JSON, "application/json"),
        ("data.json", JSON, "application/octet-stream"),
        ("DATA.JSON", JSON, "text/plain"),
        ("whatever", JSON, "application/json"),
    ],
)
def test_type_or_name_tells_the_format(server: Server, file: tuple[str, bytes, str]) -> None:
    dataset = made(post(server, {"file": file}))
    assert (dataset["rows"], dataset["columns"][0]["name"]) == (2, "x")


def test_fields_are_options(server: Server) -> None:
    array = np.arange(1 << 18).reshape(-1, 8)
    fields = {"name": "my numbers", "column": "table"}
    dataset = made(post(server, {"file": ("a.npy", dump(array))}, fields))
    assert (dataset["name"], dataset["columns"][0]["name"]) == ("my numbers", "table")
    rows = server.client.get(f"/v1/datasets/{dataset['id']}/rows?start=7&count=3").json()
    assert rows["columns"]["table"] == array[7:10].tolist()


def test_a_column_option_is_a_field(server: Server) -> None:
    lines = ("rows.jsonl", b'{"x": [1]}\n{"x": []}\n')
    dataset = made(post(server, {"file": lines}, {"shape.x": "null", "dtype.x": "int8"}))
    column = dataset["columns"][0]
    assert (column["dtype"], column["shape"], column["longest"]) == ("int8", [None], 1)


@pytest.mark.parametrize(
    ("files", "fields", "pointer", "detail"),
    [
        ({"data": ("a.json", JSON)}, {}, "/data", "has one file, as its part `file`"),
        ({"other": (None, "x")}, {}, "/file", "has no part `file`"),
        ({"file": ("a.json", JSON)}, {"colum": "x"}, "/colum", "Did you mean 'column'?"),
        ({"file": ("a.json", JSON)}, {"column": "x"}, "", "does not apply to application/json"),
        ({"file": ("a.zip", b"")}, {"channels": "2"}, "", "`channels`"),
        ({"file": ("a.zip", b"")}, {"channels": "1" * 5_000}, "", "`channels`"),
        ({"file": ("a.json", JSON)}, {"name": "x" * 600}, "/name", "at most 512"),
        ([("file", ("a.json", JSON)), ("late", (None, "x"))], {}, "/late", "send it before"),
        ([("file", ("a.json", JSON)), ("file", ("b.json", JSON))], {}, "/file", "more than one"),
        ({"file": ("a.json", b'{"columns": {"x": [1, "a"]}}')}, {}, "/columns/x/1", "not text"),
    ],
)
def test_faults_name_the_field(
    server: Server, files: Any, fields: dict[str, str], pointer: str, detail: str
) -> None:
    found = faults(post(server, files, fields))
    assert detail in found[pointer]


def test_a_file_without_a_format_is_refused(server: Server) -> None:
    answer = post(server, {"file": ("a.doc", b"x", "application/msword")})
    assert answer.status_code == 415
    assert "neither a Content-Type nor a file name" in answer.json()["detail"]


def test_a_form_without_boundary_is_refused(server: Server) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    answer = server.client.post("/v1/datasets", content=b"x", headers=headers)
    assert "boundary" in faults(answer)[""]


def test_a_repeated_form_gets_the_first_answer(server: Server) -> None:
    headers = {"Idempotency-Key": "form-1"}

    def send(name: str) -> httpx.Response:
        files, data = {"file": ("a.json", JSON)}, {"name": name}
        return server.client.post("/v1/datasets", files=files, data=data, headers=headers)

    first, again, other = send("a"), send("a"), send("b")
    assert first.json() == again.json()
    assert other.status_code == 422


def make_form(content: bytes) -> bytes:
    return httpx.Request(
        "POST", "http://a", files={"file": ("a", content)}, data={"k": "v"},
        headers={"Content-Type": "multipart/form-data; boundary=xyz"},
    ).read()  # fmt: skip


class Pieces(io.BytesIO):
    """A body that arrives in pieces of a size."""

    def __init__(self, raw: bytes, size: int) -> None:
        super().__init__(raw)
        self.size = size

    def read(self, most: int | None = -1) -> bytes:
        return super().read(self.size)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 50), st.integers(1, 50))
def test_any_content_is_read_back(content: bytes, piece: int, size: int) -> None:
    form = FormFile(Pieces(make_form(content), piece), b"xyz")
    assert form.fields == [("k", "v")]
    read = b""
    while block := form.read(size):
        assert len(block) <= size
        read += block
    assert read == content


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_cut_or_damaged_form_is_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(make_form(b"content"))
    if data.draw(st.booleans()):
        raw = raw[: data.draw(st.integers(0, len(raw) - 5))]
        must_fail = True
    else:
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        must_fail = False
    try:
        form = FormFile(Pieces(bytes(raw), 9), b"xyz")
        while form.read(100):
            pass
    except Invalid:
        return
    assert not must_fail


@pytest.mark.parametrize(
    ("name", "value", "count"), [("", "", 10**9), ("k", "", 10**9), ("k" * 900, "", 74)]
)
def test_the_fields_of_a_form_are_bounded(name: str, value: str, count: int) -> None:
    field = f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()

    class Endless:
        """A form that has one field again and again."""

        sent = 0

        def read(self, size: int) -> bytes:
            repeats = min(size // len(field), count - self.sent)
            self.sent += repeats
            return field * repeats

    body = Endless()
    with pytest.raises(Invalid, match="at most 1000 fields of 65536 bytes"):
        FormFile(body, b"xyz")
    assert body.sent < 10**5
