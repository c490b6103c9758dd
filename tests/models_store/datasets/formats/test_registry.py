"""One entry in the registry adds an upload format."""

import io
from pathlib import Path

import numpy as np
import pytest

from api.app import create_app
from api.openapi.schema_tree import get_reference
from domain.formats.read_options import ReadOptions
from models_store.datasets.columns.writer import NumberWriter
from models_store.datasets.formats.body import Body, Source
from models_store.datasets.formats.format import Format
from models_store.datasets.formats.registry import FORMATS
from models_store.datasets.ingest import ingest
from models_store.files.store import ArtifactStore
from models_store.ids import new_id


def read_lines(source: Source, folder: Path, limit: int, options: ReadOptions) -> Body:
    """Reads one integer per line into the column `x`."""
    writer = NumberWriter(folder / "0.npy", np.dtype("int64"))
    writer.append(np.array(source.read(1 << 20).split(), "int64"))
    return Body(None, [writer.finish("x", ())])


def test_one_entry_adds_a_format(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Format("text/x-lines", {"type": "string"}, read_lines)
    monkeypatch.setitem(FORMATS, lines.media_type, lines)
    dataset = ingest(store, new_id("dataset"), "text/x-lines", io.BytesIO(b"3\n4\n"), 1 << 20)
    assert (dataset.rows, dataset.columns[0].min, dataset.columns[0].max) == (2, 3, 4)


def test_the_openapi_document_lists_every_format() -> None:
    document = create_app().openapi()
    content = document["paths"]["/v1/datasets"]["post"]["requestBody"]["content"]
    described = {
        media_type: document["components"]["schemas"].get(get_reference(body["schema"]))
        or body["schema"]
        for media_type, body in content.items()
        if media_type != "multipart/form-data"
    }
    assert described == {name: known.schema for name, known in FORMATS.items()}
