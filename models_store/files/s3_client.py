"""The client of an S3 bucket, and the translation of its errors."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from obstore.exceptions import BaseError
from obstore.store import S3Store

from domain.errors import Busy, NotFound, StorageFull
from models_store.bucket_options import BucketOptions

log = logging.getLogger(__name__)
FULL = ("XMinioStorageFull", "InsufficientStorage", "QuotaExceeded", "507 Insufficient Storage")
"""Errors of a full disk from S3-compatible servers."""
NO_BUCKET = "<Code>NoSuchBucket</Code>"
RETRY_AFTER = 5


def open_bucket(options: BucketOptions, name: str, prefix: str) -> S3Store:
    """Creates the client of a bucket without a request to the server."""
    config = {"region": options.region, "checksum_algorithm": "SHA256"}
    if options.endpoint:
        config["endpoint"] = options.endpoint
    if options.access_key:
        config["access_key_id"] = options.access_key
        config["secret_access_key"] = options.secret_key.get_secret_value()
    client = {
        "allow_http": options.endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=3),
        "read_timeout": timedelta(seconds=options.seconds),
        "timeout": timedelta(days=1),  # of a whole file; `read_timeout` limits silence
    }
    return S3Store(
        name,
        prefix=prefix.strip("/") or None,
        config=config,
        client_options=client,
        retry_config={
            "max_retries": 3,
            "retry_timeout": timedelta(seconds=options.seconds),
            "backoff": {"max_backoff": timedelta(seconds=2)},
        },
    )


@contextmanager
def translate_errors(key: str) -> Iterator[None]:
    """Translates errors of the client inside the block.

    Raises:
        NotFound: There is no such object.
        StorageFull: The server reports a full disk.
        Busy: Any other error, which is logged; a retry may succeed.
    """
    try:
        yield
    except (BaseError, OSError) as error:
        message = str(error).partition("\n\nDebug source")[0]
        if isinstance(error, FileNotFoundError) and NO_BUCKET not in message:
            raise NotFound("file", key.rpartition("/")[2]) from error
        log.warning("bucket error: %s", message)
        if any(words in message for words in FULL):
            raise StorageFull from error
        detail = "The store of files does not answer just now."
        raise Busy(detail, retry_after=RETRY_AFTER) from error
