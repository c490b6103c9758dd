"""Handler of `import` jobs."""

import os
from pathlib import Path

from domain.upload import ETAG, FILETYPE, Upload
from models_store.ids import new_id
from models_store.jobs.claims import Claim
from worker.protocol.tasks import FetchTask, ImportTask
from worker.supervisor.local_files import LocalFiles
from worker.supervisor.options import Options

AMAZON = "AWS_"
"""Prefix of the variables of Amazon's tools."""


def prepare(claim: Claim, files: LocalFiles, folder: Path, options: Options) -> ImportTask:
    """Returns the task of a claimed `import` job; see `registry.Prepare`.

    Each attempt has a dataset id of its own, so that no file of an earlier one is in its way.
    """
    plan = claim.import_plan
    upload, parts = files.fetch_upload(plan.upload, folder)
    return ImportTask(
        job=claim.job_id,
        folder=folder,
        lease_seconds=options.lease_seconds,
        memory_bytes=options.memory_bytes,
        plan=plan,
        dataset=new_id("dataset"),
        name=claim.name,
        parts=parts,
        source=None if plan.source is None else _make_fetch(plan.source, upload, options),
    )


def _make_fetch(url: str, upload: Upload, options: Options) -> FetchTask:
    return FetchTask(
        url=url,
        hosts=options.import_hosts,
        bucket=options.bucket,
        credentials={name: text for name, text in os.environ.items() if name.startswith(AMAZON)},
        total=upload.length,
        validator=upload.metadata.get(ETAG),
        media_type=upload.metadata.get(FILETYPE, ""),
    )
