"""Clients of the tus protocol as they are published: they upload while the server is killed."""

import hashlib
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tusclient.client import TusClient

from tests.clients.programs import install, run
from tests.clients.test_generated_clients import NODE, NPM
from tests.docs.blocks import addressed, blocks
from tests.support.engines import EMBEDDED
from tests.support.service import ROOT, Service

HERE = Path(__file__).parent / "tus"
PAGE = ROOT / "docs" / "how-to" / "upload-a-large-file.md"
PART_BYTES = 500_000


def write_archive(path: Path) -> str:
    """Writes an `.npz` file of 8 MB, and returns its hash."""
    with path.open("wb") as file:
        np.savez(file, x=np.random.default_rng(3).normal(size=1_000_000))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_import(service: Service, url: str, sha256: str) -> None:
    """Imports the upload; the hash of the dataset is that of the file."""
    job = service.trained(kind="import", upload=url.rpartition("/")[2])
    dataset = service.client.get(f"/v1/datasets/{job['dataset']}").json()
    assert (dataset["sha256"], dataset["rows"]) == (sha256, 1_000_000)


def install_client(folder: Path) -> None:
    """Installs tus-js-client, and a program that uses it, into a new folder."""
    folder.mkdir()
    for source in HERE.iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    path = f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"
    install(NODE, NPM, "ci", "--no-audit", "--no-fund", folder=folder, PATH=path)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_example_of_the_how_to_uploads(tmp_path: Path) -> None:
    folder, file = tmp_path / "client", tmp_path / "data.npz"
    install_client(folder)
    sha256 = write_archive(file)
    service = EMBEDDED.service(tmp_path / "data")
    (example,) = blocks(PAGE, "javascript")
    program = addressed(example, service).replace("/tmp/large.npz", str(file))
    (folder / "example.mjs").write_text(program)
    job = service.ended(run(NODE, "example.mjs", folder=folder).strip())
    dataset = service.client.get(f"/v1/datasets/{job['dataset']}").json()
    assert dataset["sha256"] == sha256
    service.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_tus_js_client_uploads_while_the_server_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "client"
    install_client(folder)
    file = tmp_path / "data.npz"
    sha256 = write_archive(file)
    service = EMBEDDED.service(tmp_path / "data")
    command = [str(NODE), "upload.mjs", f"{service.address}/v1/uploads", str(file)]
    command.append(str(PART_BYTES))
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stdout is not None
    assert process.stderr.readline().startswith("stored ")
    service.part("api").kill()
    errors = process.stderr.read()
    url = process.stdout.read().strip()
    assert process.wait() == 0, errors
    check_import(service, url, sha256)
    service.stop()


@pytest.mark.slow
def test_tuspy_uploads_while_the_server_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "data.npz"
    sha256 = write_archive(file)
    service = EMBEDDED.service(tmp_path / "data")
    uploader = TusClient(f"{service.address}/v1/uploads").uploader(
        str(file), chunk_size=PART_BYTES, retries=100, retry_delay=1, upload_checksum=True
    )
    uploader.upload(stop_at=2_000_000)
    service.part("api").kill()
    uploader.upload()
    check_import(service, uploader.url, sha256)
    service.stop()
