"""Identifiers: `<kind>_` and the 26 lowercase Crockford characters of a ULID."""

from typing import Annotated

from pydantic import StringConstraints

ULID = "[0-7][0-9a-hjkmnp-tv-z]{25}"


def _identifier(kind: str) -> StringConstraints:
    return StringConstraints(pattern=f"^{kind}_{ULID}$")


GraphId = Annotated[str, _identifier("graph")]
DatasetId = Annotated[str, _identifier("dataset")]
JobId = Annotated[str, _identifier("job")]
ModelId = Annotated[str, _identifier("model")]
KeyId = Annotated[str, _identifier("key")]
UploadId = Annotated[str, _identifier("upload")]
SweepId = Annotated[str, _identifier("sweep")]
WorkerId = Annotated[str, _identifier("worker")]
