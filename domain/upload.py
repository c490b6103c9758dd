"""An upload: a file that is received in parts."""

from datetime import datetime

from domain.contract import Result
from domain.ids import UploadId

FILENAME, FILETYPE, ETAG = "filename", "filetype", "etag"
"""Keys of the metadata: the name and the media type of a file, and its version elsewhere."""


class Upload(Result):
    """A file that is received in parts, of which each follows the one before it."""

    id: UploadId
    offset: int
    """Number of bytes that are stored; the next part begins here."""
    length: int | None
    """Number of bytes of the whole file; `null` until the client states it."""
    metadata: dict[str, str]
    """What the client says about the file, e.g. `filename` and `filetype`."""
    created_at: datetime
    expires_at: datetime
    """When the upload is deleted, unless a job that has not ended uses it. Each part delays it."""

    @property
    def is_complete(self) -> bool:
        """Whether every byte is stored."""
        return self.offset == self.length
