"""Files by key: published whole or not at all, and swept when nobody holds them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from domain.errors import NotFound, StorageFull
from models_store.artifacts import ArtifactStore, open_store, sha256_of
from models_store.artifacts_local import LocalArtifacts
from models_store.disk import full_disk_named


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return open_store((tmp_path / "a folder").as_uri())


def publish(store: ArtifactStore, key: str, content: bytes) -> None:
    with store.scratch("job") as folder:
        source = folder / "file"
        source.write_bytes(content)
        store.publish(source, key)


def test_a_published_file_is_fetched(store: ArtifactStore) -> None:
    publish(store, "jobs/job_1/2/model.keras", b"abc")
    path = store.fetch("jobs/job_1/2/model.keras")
    assert path.read_bytes() == b"abc"
    assert path.stat().st_mode & 0o222 == 0
    assert sha256_of(path).startswith("ba7816bf8f01cfea414140de5dae2223")


def test_publishing_again_replaces(store: ArtifactStore) -> None:
    publish(store, "jobs/job_1/2/checkpoint", b"one")
    held = store.fetch("jobs/job_1/2/checkpoint").open("rb")
    publish(store, "jobs/job_1/2/checkpoint", b"two")
    assert store.fetch("jobs/job_1/2/checkpoint").read_bytes() == b"two"
    with held:
        assert held.read() == b"one"


def test_what_is_not_kept(store: ArtifactStore) -> None:
    with pytest.raises(NotFound, match="no file"):
        store.fetch("jobs/job_1/2/model.keras")


@pytest.mark.parametrize("key", ["", "..", "jobs/../x", "/etc/passwd", "a//b", "a/b c", "a/.b"])
def test_keys_never_leave_the_folder(store: ArtifactStore, key: str) -> None:
    with pytest.raises(ValueError, match="part of a key"):
        store.fetch(key)


def test_scratch_is_removed_with_all_that_is_in_it(store: ArtifactStore) -> None:
    with store.scratch("job") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_bytes(b"x")
    assert not folder.exists()


def test_scratch_is_removed_when_its_owner_fails(store: ArtifactStore) -> None:
    places: list[Path] = []

    def fail() -> None:
        with store.scratch("job") as folder:
            places.append(folder)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not places[0].exists()


def test_prefixes_and_their_ages(store: ArtifactStore) -> None:
    publish(store, "jobs/job_1/1/a", b"x")
    publish(store, "jobs/job_1/2/a", b"x")
    publish(store, "datasets/dataset_1/0.npy", b"x")
    old = store.fetch("jobs/job_1/1/a")
    past = time.time() - 500
    os.utime(old, (past, past))
    os.utime(old.parent, (past, past))
    ages = dict(store.prefixes("jobs"))
    assert ages.keys() == {"jobs/job_1/1", "jobs/job_1/2"}
    assert 499 < ages["jobs/job_1/1"] < 560
    assert ages["jobs/job_1/2"] < 60
    assert [prefix for prefix, _ in store.prefixes("datasets")] == ["datasets/dataset_1"]
    assert list(store.prefixes("scratch")) == []


def test_delete_prefix(store: ArtifactStore) -> None:
    publish(store, "jobs/job_1/1/a", b"x")
    publish(store, "jobs/job_1/2/a", b"x")
    store.delete_prefix("jobs/job_1/1")
    store.delete_prefix("jobs/job_1/1")
    assert [prefix for prefix, _ in store.prefixes("jobs")] == ["jobs/job_1/2"]
    root = store.fetch("jobs/job_1/2/a").parents[3]
    store.delete_prefix("jobs/job_1/2")
    assert list((root / "jobs").iterdir()) == []


HOLDER = """
import sys
from pathlib import Path
from models_store.artifacts_local import LocalArtifacts
with LocalArtifacts(Path(sys.argv[1])).scratch("job") as folder:
    (folder / "half").write_bytes(b"x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_only_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().decode().strip())
        assert list(store.prefixes("scratch")) == []
        process.kill()
    left = [prefix for prefix, _ in store.prefixes("scratch")]
    assert left == [f"scratch/{folder.name}"]
    store.delete_prefix(left[0])
    assert not folder.exists()


@pytest.mark.parametrize(
    "url", ["", "s3://bucket/x", "file:", "file://host/x", "/folder", "ftp:///x"]
)
def test_urls_of_no_store(url: str) -> None:
    with pytest.raises(ValueError, match="ARTIFACTS_URL"):
        open_store(url)


def test_only_a_full_disk_is_called_full() -> None:
    with pytest.raises(PermissionError), full_disk_named():
        raise PermissionError(13, "no")
    with pytest.raises(StorageFull), full_disk_named():
        Path("/dev/full").write_bytes(b"x")
