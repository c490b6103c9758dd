"""An S3 bucket, and what its client's errors mean."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from obstore.exceptions import BaseError
from obstore.store import S3Store

from domain.errors import Busy, NotFound, StorageFull
from models_store.settings import Settings

log = logging.getLogger(__name__)
FULL = ("XMinioStorageFull", "InsufficientStorage", "QuotaExceeded", "507 Insufficient Storage")
"""What S3-compatible servers call a full disk; Amazon's has none."""
NO_BUCKET = "<Code>NoSuchBucket</Code>"
RETRY_AFTER = 5


def bucket_of(settings: Settings, name: str, prefix: str) -> S3Store:
    """The client of a bucket; nothing is asked of the server yet."""
    config = {"region": settings.s3_region, "checksum_algorithm": "SHA256"}
    if settings.s3_endpoint:
        config["endpoint"] = settings.s3_endpoint
    if settings.s3_access_key:
        config["access_key_id"] = settings.s3_access_key
        config["secret_access_key"] = settings.s3_secret_key.get_secret_value()
    client = {
        "allow_http": settings.s3_endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=3),
        "read_timeout": timedelta(seconds=settings.s3_seconds),
        "timeout": timedelta(days=1),  # of a whole file: only its silence is limited
    }
    return S3Store(
        name,
        prefix=prefix.strip("/") or None,
        config=config,
        client_options=client,
        retry_config={
            "max_retries": 3,
            "retry_timeout": timedelta(seconds=settings.s3_seconds),
            "backoff": {"max_backoff": timedelta(seconds=2)},
        },
    )


@contextmanager
def named(key: str) -> Iterator[None]:
    """The client's errors in the words of `domain.errors`.

    Raises:
        NotFound: there is no such object.
        StorageFull: the server says that it is full.
        Busy: anything else, which may pass or be mended; the log tells what it was.
    """
    try:
        yield
    except (BaseError, OSError) as error:
        said = str(error).partition("\n\nDebug source")[0]
        if isinstance(error, FileNotFoundError) and NO_BUCKET not in said:
            raise NotFound("file", key.rpartition("/")[2]) from error
        log.warning("the bucket: %s", said)
        if any(words in said for words in FULL):
            raise StorageFull from error
        detail = "The store of files does not answer just now."
        raise Busy(detail, retry_after=RETRY_AFTER) from error
