"""Stores of files for tests: every test with the fixture `store` runs on a folder and a bucket."""

from pathlib import Path

import pytest

from models_store.files.disk import hash_file
from models_store.files.store import ArtifactStore, open_store
from models_store.settings import Settings
from tests.support.servers.buckets import BucketServer


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    """An empty store."""
    settings: dict[str, str] = {}
    if request.param == "bucket":
        server: BucketServer = request.getfixturevalue("bucket_server")
        settings = server.settings()
    return store_of(tmp_path / "a folder", settings)


def settings_of(data: Path, settings: dict[str, str]) -> Settings:
    """The settings with these values, named as in the environment without the prefix."""
    values = {name.lower(): value for name, value in settings.items()}
    return Settings.model_validate({"data": data, **values})


def store_of(data: Path, settings: dict[str, str]) -> ArtifactStore:
    """The store that these settings select."""
    return open_store(settings_of(data, settings))


def publish(store: ArtifactStore, key: str, content: bytes) -> str:
    """Writes a file to the store and returns its hash."""
    with store.scratch("test") as folder:
        source = folder / "file"
        source.write_bytes(content)
        sha256 = hash_file(source)
        store.publish(source, key, sha256)
    return sha256


def content(store: ArtifactStore, key: str, sha256: str | None = None) -> bytes:
    """The content of a file in the store."""
    with store.fetch(key, sha256) as path:
        return path.read_bytes()
