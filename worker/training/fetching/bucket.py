"""Opens an object of an allowed S3 bucket."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from domain.errors import GraphfitError, NotFound
from domain.job.sources import AllowedSource, SourceAddress, find_refusal
from models_store.bucket_options import BucketOptions
from models_store.files.s3_client import open_bucket, translate_errors
from worker.training.fetching.remote import CannotFetch, FetchInterrupted, Remote

BLOCK_BYTES = 4 * 2**20


@contextmanager
def open_object(
    address: SourceAddress,
    allowed: Sequence[AllowedSource],
    options: BucketOptions,
    start: int,
    validator: str | None,
) -> Iterator[Remote]:
    """Opens an object at a place, or at its begin if it has changed.

    Args:
        address: The bucket and the key.
        allowed: The buckets that the service fetches files from.
        options: The server of the buckets, and its keys.
        start: The number of bytes that are fetched already.
        validator: The entity tag of the object that these bytes are of.

    Raises:
        CannotFetch: The bucket is not allowed, or there is no such object.
        FetchInterrupted: The server does not answer.
    """
    refusal = find_refusal(address, allowed)
    if refusal is not None:
        raise CannotFetch(refusal)
    key = unquote(address.target[1:])
    with _translated(address):
        bucket = open_bucket(options, address.host, "")
        with translate_errors(key):
            found = bucket.head(key)
    total, tag = int(found["size"]), found.get("e_tag")
    begin = start if tag is not None and tag == validator and start <= total else 0
    blocks = _read(bucket, key, begin, tag) if begin < total else iter(())
    yield Remote(begin, total, tag, "", _watch(blocks, address))


def _read(bucket: Any, key: str, start: int, tag: str | None) -> Iterator[bytes]:
    options: dict[str, Any] = {"range": {"offset": start}} if start else {}
    if tag is not None:
        options["if_match"] = tag
    with translate_errors(key):
        for block in bucket.get(key, options=options).stream(min_chunk_size=BLOCK_BYTES):
            yield bytes(block)


def _watch(blocks: Iterator[bytes], address: SourceAddress) -> Iterator[bytes]:
    with _translated(address):
        yield from blocks


@contextmanager
def _translated(address: SourceAddress) -> Iterator[None]:
    """Translates errors of the bucket's client, whose texts name the server."""
    try:
        yield
    except (NotFound, ValueError) as error:  # a key that the client refuses is a ValueError
        raise CannotFetch(f"There is no object '{address.url}'.") from error
    except GraphfitError as error:
        raise FetchInterrupted(f"The bucket of '{address.url}' does not answer.") from error


def set_credentials(environment: dict[str, str]) -> None:
    """Sets the variables with the keys of Amazon's tools, which this process does not inherit."""
    os.environ.update(environment)
