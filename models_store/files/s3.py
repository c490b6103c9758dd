"""A store of files in an S3 bucket, with a cache on this machine's disk."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from obstore.store import S3Store

from domain.errors import Busy, Damaged
from models_store.files.cache import Cache, Download
from models_store.files.key import Artifact, Digest, NewFile, split_key
from models_store.files.s3_client import translate_errors
from models_store.files.scratch import Scratch

SHA256 = "sha256"
"""The object attribute that contains the hash."""
PART_BYTES = 8 * 2**20
MOST_PARTS = 9_000
"""S3 allows 10,000."""
PARTS_AT_ONCE = 4
FILES_AT_ONCE = 16
BLOCK_BYTES = 4 * 2**20
LISTED_AT_ONCE = 1_000


class BucketArtifacts:
    """Stores each file as an object; S3 shows an object only when it is complete."""

    kind = "s3"

    def __init__(self, bucket: S3Store, scratch: Scratch, cache: Cache) -> None:
        self._bucket = bucket
        self._scratch = scratch
        self._cache = cache

    @contextmanager
    def fetch(self, key: str, sha256: str | None = None) -> Iterator[Path]:
        """Gives the path in the cache; a hit with a known hash sends no request to the server."""
        split_key(key)
        found = None if sha256 else self._found(key)

        def download() -> Download:
            return _download(key, found or self._found(key), sha256)

        with self._cache.fetch(sha256 or _identity(found), download) as path:
            yield path

    def _found(self, key: str) -> Any:
        with translate_errors(key):
            return self._bucket.get(key)

    @contextmanager
    def open(self, key: str, sha256: str) -> Iterator["BucketFile"]:
        """Opens the object without the cache, so that a download evicts no file that jobs read."""
        yield BucketFile(self, key, self._size(key), sha256)

    def read(self, key: str, start: int, size: int) -> bytes:
        """Reads a range of the object without the cache."""
        split_key(key)
        with translate_errors(key):
            return bytes(self._bucket.get_range(key, start=start, length=size))

    def _size(self, key: str) -> int:
        split_key(key)
        with translate_errors(key):
            size: int = self._bucket.head(key)["size"]
            return size

    def digest(self, key: str) -> Digest:
        """Reads the object without the cache, and ignores the attribute with its hash."""
        split_key(key)
        size, digest = 0, hashlib.sha256()
        for block in _blocks(key, self._found(key)):
            size += len(block)
            digest.update(block)
        return Digest(size, digest.hexdigest())

    def publish(self, source: Path, key: str, sha256: str) -> None:
        """Uploads the file and deletes it here; the server compares the hash of each part."""
        split_key(key)
        if not source.exists():
            self._check_size(key, None)
            return
        size = source.stat().st_size
        with translate_errors(key):
            self._bucket.put(
                key,
                source,
                attributes={SHA256: sha256},
                chunk_size=max(PART_BYTES, size // MOST_PARTS),
                max_concurrency=PARTS_AT_ONCE,
            )
        self._check_size(key, size)
        source.unlink()

    def publish_all(self, files: Sequence[NewFile]) -> None:
        """Uploads several files at the same time."""
        with ThreadPoolExecutor(FILES_AT_ONCE) as threads:
            for _ in threads.map(lambda file: self.publish(*file), files):
                pass  # raises the error of the first file that has one

    def _check_size(self, key: str, size: int | None) -> None:
        kept = self._size(key)
        if size is not None and kept != size:
            raise Busy(f"The store has only a part of the file '{key.rpartition('/')[2]}'.")

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """Creates the folder on this machine's disk."""
        return self._scratch.folder(prefix)

    def sweep_scratch(self, grace_seconds: float) -> int:
        """Sweeps the scratch folders of this machine only."""
        return self._scratch.sweep(grace_seconds)

    def files(self, kind: str) -> Iterator[Artifact]:
        """Lists objects; an age compares the server's time of writing with this machine's clock."""
        split_key(kind)
        now = datetime.now(UTC)
        with translate_errors(kind):
            for listed in self._bucket.list(kind, chunk_size=LISTED_AT_ONCE):
                for item in listed:
                    age = (now - item["last_modified"]).total_seconds()
                    yield Artifact(item["path"], item["size"], max(0.0, age))

    def delete_prefix(self, prefix: str) -> None:
        """Deletes the object with this key, and all objects below it."""
        split_key(prefix)
        with translate_errors(prefix):
            keys = [item["path"] for listed in self._bucket.list(prefix) for item in listed]
            self._bucket.delete([prefix, *keys])

    def check(self) -> None:
        """Lists a prefix without objects, which also fails if the bucket does not exist."""
        with translate_errors("bucket"):
            self._bucket.list("ready").collect()


class BucketFile:
    """An object that is read in ranges, one request each.

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
            raise Damaged(split_key(self._key)[-1])


def _identity(found: Any) -> str:
    """The name in the cache of an object whose row has no hash: from its attribute or its ETag."""
    tag = f"{found.meta['e_tag']} {found.meta['size']}".encode()
    name: str = found.attributes.get(SHA256) or hashlib.sha256(tag).hexdigest()
    return name


def _download(key: str, found: Any, sha256: str | None) -> Download:
    expected = sha256 or found.attributes.get(SHA256)
    return Download(split_key(key)[-1], found.meta["size"], expected, _blocks(key, found))


def _blocks(key: str, found: Any) -> Iterator[bytes]:
    with translate_errors(key):
        yield from found.stream(min_chunk_size=BLOCK_BYTES)
