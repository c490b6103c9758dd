"""How the server of S3 buckets is reached."""

from typing import NamedTuple

from pydantic import SecretStr


class BucketOptions(NamedTuple):
    """The settings S3_*; it loads nothing large, and can be sent to another process."""

    endpoint: str
    """Address of the server; empty for Amazon's of the region."""
    region: str
    access_key: str
    """Empty if the keys come from the environment or from a role."""
    secret_key: SecretStr
    seconds: float
    """Time limit of a silent server."""
