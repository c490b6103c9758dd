"""Artefacts in an S3 bucket, read through a cache on this machine's disk."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from obstore.store import S3Store

from domain.errors import Busy, Damaged
from models_store.files.cache import Cache, Download
from models_store.files.key import Artifact, Digest, parts_of
from models_store.files.s3_client import named
from models_store.files.scratch import Scratch

SHA256 = "sha256"
"""The attribute of an object that holds its hash."""
PART_BYTES = 8 * 2**20
MOST_PARTS = 9_000
"""S3 takes 10,000."""
PARTS_AT_ONCE = 4
BLOCK_BYTES = 4 * 2**20
LISTED_AT_ONCE = 1_000


class BucketArtifacts:
    """Each key is an object's; S3 shows an object once all of it is there."""

    kind = "s3"

    def __init__(self, bucket: S3Store, scratch: Scratch, cache: Cache) -> None:
        self._bucket = bucket
        self._scratch = scratch
        self._cache = cache

    @contextmanager
    def fetch(self, key: str, sha256: str | None = None) -> Iterator[Path]:
        """In the cache, by its hash: where a row knows that, a hit asks nothing of the server."""
        parts_of(key)
        found = None if sha256 else self._found(key)

        def download() -> Download:
            return _download(key, found or self._found(key), sha256)

        with self._cache.fetch(sha256 or _identity(found), download) as path:
            yield path

    def _found(self, key: str) -> Any:
        with named(key):
            return self._bucket.get(key)

    @contextmanager
    def open(self, key: str, sha256: str) -> Iterator["BucketFile"]:
        """Opens the object past the cache, so that a download evicts no file that jobs read."""
        yield BucketFile(self, key, self._size(key), sha256)

    def read(self, key: str, start: int, size: int) -> bytes:
        """Reads a range of the object past the cache."""
        parts_of(key)
        with named(key):
            return bytes(self._bucket.get_range(key, start=start, length=size))

    def _size(self, key: str) -> int:
        parts_of(key)
        with named(key):
            size: int = self._bucket.head(key)["size"]
            return size

    def digest(self, key: str) -> Digest:
        """Of the object, past the cache, whatever its attribute says."""
        parts_of(key)
        size, digest = 0, hashlib.sha256()
        for block in _blocks(key, self._found(key)):
            size += len(block)
            digest.update(block)
        return Digest(size, digest.hexdigest())

    def publish(self, source: Path, key: str, sha256: str) -> None:
        """Uploads the file and deletes it here; the server compares the hash of each part."""
        parts_of(key)
        if not source.exists():
            self._check_size(key, None)
            return
        size = source.stat().st_size
        with named(key):
            self._bucket.put(
                key,
                source,
                attributes={SHA256: sha256},
                chunk_size=max(PART_BYTES, size // MOST_PARTS),
                max_concurrency=PARTS_AT_ONCE,
            )
        self._check_size(key, size)
        source.unlink()

    def _check_size(self, key: str, size: int | None) -> None:
        kept = self._size(key)
        if size is not None and kept != size:
            raise Busy(f"Of the file '{key.rpartition('/')[2]}' only a part was kept.")

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """On this machine, and on its disk alone."""
        return self._scratch.folder(prefix)

    def sweep_scratch(self, grace_seconds: float) -> int:
        """Of this machine: others sweep their own."""
        return self._scratch.sweep(grace_seconds)

    def files(self, kind: str) -> Iterator[Artifact]:
        """Ages by the server's clock at writing and ours now."""
        parts_of(kind)
        now = datetime.now(UTC)
        with named(kind):
            for listed in self._bucket.list(kind, chunk_size=LISTED_AT_ONCE):
                for item in listed:
                    age = (now - item["last_modified"]).total_seconds()
                    yield Artifact(item["path"], item["size"], max(0.0, age))

    def delete_prefix(self, prefix: str) -> None:
        """The objects below it, and the one of that name."""
        parts_of(prefix)
        with named(prefix):
            keys = [item["path"] for listed in self._bucket.list(prefix) for item in listed]
            self._bucket.delete([prefix, *keys])

    def check(self) -> None:
        """Asks for a list of nothing: it fails too where there is no such bucket."""
        with named("bucket"):
            self._bucket.list("ready").collect()


class BucketFile:
    """An object that is read range by range, each with a request of its own.

    A slow client therefore keeps no connection to the bucket open.
    """

    def __init__(self, store: BucketArtifacts, key: str, size: int, sha256: str) -> None:
        self.size = size
        self._store = store
        self._key = key
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self._hashed = 0

    def read(self, start: int, size: int) -> bytes:
        """Reads a range of the object; hashes the bytes that are read in order."""
        size = min(size, self.size - start)
        if size <= 0:
            return b""
        block = self._store.read(self._key, start, size)
        if start == self._hashed:
            self._digest.update(block)
            self._hashed += len(block)
            self._check_at_end()
        return block

    def _check_at_end(self) -> None:
        if self._hashed == self.size and self._digest.hexdigest() != self._sha256:
            raise Damaged(parts_of(self._key)[-1])


def _identity(found: Any) -> str:
    """What an object of unknown hash is cached as: its own hash, or the tag S3 gave it."""
    tag = f"{found.meta['e_tag']} {found.meta['size']}".encode()
    name: str = found.attributes.get(SHA256) or hashlib.sha256(tag).hexdigest()
    return name


def _download(key: str, found: Any, sha256: str | None) -> Download:
    expected = sha256 or found.attributes.get(SHA256)
    return Download(parts_of(key)[-1], found.meta["size"], expected, _blocks(key, found))


def _blocks(key: str, found: Any) -> Iterator[bytes]:
    with named(key):
        yield from found.stream(min_chunk_size=BLOCK_BYTES)
