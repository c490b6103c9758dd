"""Receives the parts of uploads. It knows no protocol."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.errors import Conflict, NotFound, StorageFull, TooLarge
from domain.upload import Upload
from models_store.database.engine import Database
from models_store.files.key import NewFile
from models_store.files.store import ArtifactStore
from models_store.ids import new_id
from models_store.records import uploads
from models_store.records.uploads import Part, folder_of
from models_store.records.uses import refuse_if_used
from models_store.uploads.part_files import PartFile, Source, write_parts

EXPIRED_AT_ONCE = 500
"""Expired uploads that one transaction deletes."""
MOST_FOLDERS = 500
"""Folders after which a call leaves the rest to the next one, since a bucket deletes slowly."""


@dataclass(frozen=True)
class Uploads:
    """The uploads of a service; any number of processes may use them at the same time.

    A part is a file in the artifact store. Its row is written after the file is on the disk, in
    the transaction that moves the offset of the upload.
    """

    database: Database
    store: ArtifactStore
    hours: float
    """How long an upload is kept after its last part."""

    def create(self, owner: str, length: int | None, metadata: dict[str, str]) -> Upload:
        """Creates an empty upload.

        Args:
            owner: Its owner.
            length: Number of bytes of the file; None if it is not known yet.
            metadata: What the client says about the file.
        """
        upload = self.make(length, metadata)
        with self.database.write() as connection:
            uploads.insert(connection, owner, upload)
        return upload

    def make(self, length: int | None, metadata: dict[str, str]) -> Upload:
        """Returns a new upload, which is not stored."""
        return Upload(
            id=new_id("upload"),
            offset=0,
            length=length,
            metadata=metadata,
            created_at=datetime.now(UTC),
            expires_at=self.find_expiry(),
        )

    def get(self, owner: str, upload_id: str) -> Upload:
        """Gets an upload.

        Raises:
            NotFound: The owner has no upload with this id, or it has expired.
        """
        with self.database.read() as connection:
            return uploads.get(connection, owner, upload_id)

    def set_length(self, owner: str, upload_id: str, length: int) -> None:
        """Sets the length of an upload that has none yet.

        Raises:
            Conflict: The upload has another length, or more bytes than that, or a job uses it.
        """
        with self.database.write() as connection:
            refuse_if_used(connection, owner, upload_id)
            uploads.set_length(connection, owner, upload_id, length)

    def append(
        self,
        owner: str,
        upload_id: str,
        offset: int,
        source: Source,
        most: int,
        verify: Callable[[], None] | None = None,
    ) -> int:
        """Stores the bytes of a source at the end of an upload.

        A long source is stored as several parts, each as soon as it is complete. If the source
        fails, the bytes that it gave are stored. With `verify`, all bytes are stored together at
        the end, or none of them.

        Args:
            owner: The owner of the upload.
            upload_id: The upload.
            offset: The number of bytes that the upload has.
            source: The bytes.
            most: The most bytes that the upload may have.
            verify: Raises an error if the bytes of the source are not those that the client sent.

        Returns:
            The number of bytes that the upload has now. They are on the disk.

        Raises:
            NotFound: The owner has no upload with this id.
            Conflict: The upload has another number of bytes, or a job uses it.
            TooLarge: The source has more bytes than are missing.
            StorageFull: The disk is full.
        """
        self.check_part(owner, upload_id, offset)
        with self.store.scratch(upload_id) as folder:
            waiting: list[PartFile] = []
            for file in write_parts(source, folder, offset, most):
                waiting.append(file)
                if verify is None:
                    self._store(owner, upload_id, waiting)
                    waiting = []
                offset = file.end
            if verify is not None:
                verify()
                self._store(owner, upload_id, waiting)
        return offset

    def check_part(self, owner: str, upload_id: str, offset: int) -> Upload:
        """Returns the upload, to which a part may be appended.

        Raises:
            NotFound: The owner has no upload with this id.
            Conflict: The upload has another number of bytes, or a job uses it.
        """
        upload = self.get(owner, upload_id)
        if upload.offset != offset:
            raise uploads.make_conflict(upload.offset, offset)
        with self.database.read() as connection:
            refuse_if_used(connection, owner, upload_id)
        return upload

    def _store(self, owner: str, upload_id: str, files: Sequence[PartFile]) -> None:
        """Publishes the files of parts, and then inserts the rows of all of them."""
        if not files:
            return
        folder = folder_of(upload_id)
        parts = [
            Part(file.start, file.bytes, file.sha256, f"{folder}/{new_id('part')}")
            for file in files
        ]
        moves = [
            NewFile(file.path, part.artifact, part.sha256)
            for file, part in zip(files, parts, strict=True)
        ]
        self.store.publish_all(moves)
        try:
            with self.database.write() as connection:
                refuse_if_used(connection, owner, upload_id)
                expires_at = self.find_expiry()
                uploads.add_parts(connection, owner, upload_id, parts, expires_at)
        except (Conflict, NotFound, StorageFull):  # after another error the rows may exist
            for part in parts:
                self.store.delete_prefix(part.artifact)
            raise

    def read_start(self, upload_id: str, size: int) -> bytes:
        """Returns the first bytes of an upload, at most those of its first part."""
        with self.database.read() as connection:
            parts = uploads.list_parts(connection, upload_id)
        return self.store.read(parts[0].artifact, 0, size) if parts else b""

    def delete(self, owner: str, upload_id: str) -> None:
        """Deletes an upload with its parts.

        Raises:
            NotFound: The owner has no upload with this id.
            Conflict: A job that has not ended uses it.
        """
        with self.database.write() as connection:
            uploads.delete(connection, owner, upload_id)
        self.store.delete_prefix(folder_of(upload_id))

    def delete_expired(self) -> int:
        """Deletes expired uploads with their parts, and returns their number.

        If there are very many, it leaves the rest to the next call.
        """
        deleted = folders = 0
        while folders < MOST_FOLDERS:
            with self.database.write() as connection:
                expired = uploads.delete_expired(connection, EXPIRED_AT_ONCE)
            for upload_id, has_parts in expired:
                if has_parts:
                    self.store.delete_prefix(folder_of(upload_id))
                    folders += 1
            deleted += len(expired)
            if len(expired) < EXPIRED_AT_ONCE:
                break
        return deleted

    def find_expiry(self) -> datetime:
        """Returns when an upload expires that is used now."""
        return datetime.now(UTC) + timedelta(hours=self.hours)


def check_length(length: int, most: int) -> None:
    """Checks the length of a file.

    Raises:
        TooLarge: It is more than `most`.
    """
    if length > most:
        raise TooLarge(f"An upload may have at most {most} bytes (MAX_UPLOAD_BYTES).")
