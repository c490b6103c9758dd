"""Artifact stores: publication is atomic, and the sweep deletes abandoned scratch folders."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from domain.errors import Damaged, NotFound, StorageFull
from models_store.files import local
from models_store.files.disk import hash_file, raise_storage_full, sync_all
from models_store.files.local import LocalArtifacts
from models_store.files.scratch import Scratch
from models_store.files.store import ArtifactStore, open_store
from models_store.settings import Settings
from tests.support.servers.buckets import BucketServer
from tests.support.stores import content, publish, store_of

KEY = "jobs/job_1/2/model.keras"


def test_a_published_file_is_read_only_and_has_its_digest(store: ArtifactStore) -> None:
    sha256 = publish(store, KEY, b"abc")
    for known in (None, sha256):
        with store.fetch(KEY, known) as path:
            assert path.read_bytes() == b"abc"
            assert path.stat().st_mode & 0o222 == 0
    assert sha256.startswith("ba7816bf8f01cfea414140de5dae2223")
    assert store.digest(KEY) == (3, sha256)


def test_a_range_of_bytes_is_read(store: ArtifactStore) -> None:
    publish(store, KEY, b"0123456789")
    assert store.read(KEY, 2, 3) == b"234"
    assert store.read(KEY, 8, 5) == b"89"


def test_a_file_is_uploaded_in_many_parts(store: ArtifactStore) -> None:
    large = os.urandom(20 * 2**20 + 7)
    sha256 = publish(store, KEY, large)
    assert content(store, KEY, sha256) == large
    assert [file.bytes for file in store.files("jobs")] == [len(large)]


def test_a_second_publication_replaces_the_file(store: ArtifactStore) -> None:
    one = publish(store, KEY, b"one")
    with store.fetch(KEY, one) as path, path.open("rb") as opened:
        two = publish(store, KEY, b"two")
        assert content(store, KEY, two) == content(store, KEY) == b"two"
        assert opened.read() == b"one"


def test_a_repeated_publication_succeeds(store: ArtifactStore) -> None:
    """The supervisor repeats a publication if the following transaction fails."""
    with store.scratch("test") as folder:
        (folder / "file").write_bytes(b"abc")
        sha256 = hash_file(folder / "file")
        store.publish(folder / "file", KEY, sha256)
        assert not (folder / "file").exists()
        store.publish(folder / "file", KEY, sha256)
        assert content(store, KEY) == b"abc"


def test_a_file_may_be_deleted_while_it_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload may be deleted while a part of it arrives; the part's row is refused afterwards."""
    store = LocalArtifacts(tmp_path / "store")

    def delete_and_sync(paths: Sequence[Path]) -> None:
        store.delete_prefix("uploads/upload_1")
        sync_all(paths)

    monkeypatch.setattr(local, "sync_all", delete_and_sync)
    with store.scratch("test") as folder:
        (folder / "part").write_bytes(b"abc")
        store.publish(folder / "part", "uploads/upload_1/part_1", hash_file(folder / "part"))
    assert list(store.files("uploads")) == []


def test_a_wrong_hash_is_found_when_the_file_is_fetched(
    bucket_server: BucketServer, tmp_path: Path
) -> None:
    store = store_of(tmp_path, bucket_server.settings())
    with store.scratch("test") as folder:
        (folder / "file").write_bytes(b"content")
        store.publish(folder / "file", KEY, "0" * 64)
    with pytest.raises(Damaged), store.fetch(KEY):
        pass


def test_a_missing_file_is_not_found(store: ArtifactStore) -> None:
    with pytest.raises(NotFound, match=r"no file 'model\.keras'"), store.fetch(KEY):
        pass
    with pytest.raises(NotFound, match="no file"):
        store.read(KEY, 0, 1)
    with pytest.raises(NotFound, match="no file"):
        store.digest(KEY)


@pytest.mark.parametrize("key", ["", "..", "jobs/../x", "/etc/passwd", "a//b", "a/b c", "a/.b"])
def test_a_key_outside_the_store_is_refused(store: ArtifactStore, key: str) -> None:
    with pytest.raises(ValueError, match="part of a key"), store.fetch(key):
        pass
    with pytest.raises(ValueError, match="part of a key"):
        store.delete_prefix(key)


def test_files_have_their_size_folder_and_age(store: ArtifactStore) -> None:
    publish(store, "jobs/job_1/1/a", b"x")
    publish(store, "jobs/job_1/2/a", b"xy")
    publish(store, "datasets/dataset_1/0.npy", b"x")
    files = {file.key: file for file in store.files("jobs")}
    assert files.keys() == {"jobs/job_1/1/a", "jobs/job_1/2/a"}
    assert files["jobs/job_1/2/a"].bytes == 2
    assert files["jobs/job_1/2/a"].folder == "jobs/job_1/2"
    assert all(0 <= file.age < 60 for file in files.values())
    assert [file.folder for file in store.files("datasets")] == ["datasets/dataset_1"]


def test_a_prefix_is_a_whole_path(store: ArtifactStore) -> None:
    for key in ("jobs/job_1/1/a", "jobs/job_1/2/a", "jobs/job_1/2/b", "jobs/job_1/22/a"):
        publish(store, key, b"x")
    store.delete_prefix("jobs/job_1/1")
    store.delete_prefix("jobs/job_1/1")
    store.delete_prefix("jobs/job_1/2/a")
    store.delete_prefix("jobs/job_1/2/a")
    left = {file.key for file in store.files("jobs")}
    assert left == {"jobs/job_1/2/b", "jobs/job_1/22/a"}
    store.delete_prefix("jobs/job_1/2")
    assert {file.key for file in store.files("jobs")} == {"jobs/job_1/22/a"}


def test_deletion_removes_empty_folders(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path)
    publish(store, "jobs/job_1/2/a", b"x")
    publish(store, "jobs/job_1/3/a", b"x")
    store.delete_prefix("jobs/job_1/2/a")
    store.delete_prefix("jobs/job_1/3")
    assert list((tmp_path / "jobs").iterdir()) == []


def test_the_age_of_a_file_is_its_modification_time(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path)
    publish(store, "jobs/job_1/2/a", b"x")
    past = time.time() - 500
    os.utime(tmp_path / "jobs/job_1/2/a", (past, past))
    assert 499 < next(store.files("jobs")).age < 560


def test_the_age_of_a_file_counts_from_its_publication(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path)
    with store.scratch("test") as folder:
        file = folder / "file"
        file.write_bytes(b"abc")
        os.utime(file, (time.time() - 10_000,) * 2)  # e.g. the first part of a slow upload
        store.publish(file, KEY, hash_file(file))
    assert next(store.files("jobs")).age < 60


def load_deleted(store: ArtifactStore) -> None:
    with store.fetch(KEY) as path:
        store.delete_prefix(KEY)
        np.load(path)


def test_a_file_that_is_deleted_while_it_is_used_is_not_found(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path)
    publish(store, KEY, b"abc")
    with pytest.raises(NotFound, match=r"model\.keras"):
        load_deleted(store)
    publish(store, KEY, b"abc")
    with pytest.raises(FileNotFoundError), store.fetch(KEY):
        (tmp_path / "another").read_bytes()


def test_a_file_that_is_deleted_before_it_is_opened_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalArtifacts(tmp_path)
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    with pytest.raises(NotFound), store.open(KEY, "0" * 64):
        pass
    with pytest.raises(NotFound):
        store.read(KEY, 0, 1)
    with pytest.raises(NotFound):
        store.digest(KEY)


def test_a_scratch_folder_is_removed_with_its_content(store: ArtifactStore) -> None:
    with store.scratch("job") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_bytes(b"x")
    assert not folder.exists()


def test_a_scratch_folder_is_removed_after_an_error(store: ArtifactStore) -> None:
    folders: list[Path] = []

    def fail() -> None:
        with store.scratch("job") as folder:
            folders.append(folder)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not folders[0].exists()


HOLDER = """
import sys
from pathlib import Path
from models_store.files.scratch import Scratch
with Scratch(Path(sys.argv[1])).folder("job") as folder:
    (folder / "half").write_bytes(b"x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_only_scratch_folders_of_killed_processes_are_swept(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().decode().strip())
        assert scratch.sweep(grace_seconds=0) == 0
        process.kill()
    assert scratch.sweep(grace_seconds=3600) == 0
    assert scratch.sweep(grace_seconds=0) == 1
    assert not folder.exists()


@pytest.mark.parametrize("url", ["s3:", "s3:///x", "file:", "file://host/x", "/folder", "ftp:///x"])
def test_an_unsupported_url_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ARTIFACTS_URL"):
        open_store(Settings(data=tmp_path, artifacts_url=url))


def test_only_a_full_disk_raises_storage_full() -> None:
    with pytest.raises(PermissionError), raise_storage_full():
        raise PermissionError(13, "no")
    with pytest.raises(StorageFull), raise_storage_full():
        Path("/dev/full").write_bytes(b"x")
