"""A client that sends a dataset in parts, and imports it by a job."""

import json
import time
from dataclasses import dataclass
from typing import Any

from tests.chaos.load.http_client import GaveUp, HttpClient
from tests.chaos.load.scenarios import Record

TUS = {"Tus-Resumable": "1.0.0"}
PART_BYTES = 4_000
POLL_SECONDS = 0.5


def follow(client: HttpClient, job_id: str) -> Any:
    """Polls a job until it ends, and returns it.

    Raises:
        GaveUp: The job does not exist.
    """
    while True:
        answer = client.ask("GET", f"/v1/jobs/{job_id}")
        if answer.status_code != 200:
            raise GaveUp(f"GET /v1/jobs/{job_id}: {answer.status_code}")
        if answer.json()["is_terminal"]:
            return answer.json()
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Importer:
    """Repeats each request until it has a definite answer."""

    client: HttpClient

    def run(self, record: Record, shared: str) -> str:
        """Imports the dataset of a scenario and returns its id.

        Args:
            record: Where the job and what is wrong is kept.
            shared: The id of a dataset with the same columns, which was posted without faults.
        """
        scenario = record.scenario
        address = self._send(json.dumps({"columns": scenario.workload.columns}).encode())
        key = f"{scenario.key}-import"
        body = {
            "kind": "import",
            "upload": address.rpartition("/")[2],
            "format": "application/json",
            "metadata": {"scenario": key},
        }
        answer = self.client.ask("POST", "/v1/jobs", json=body, headers={"Idempotency-Key": key})
        if answer.status_code != 202:
            raise GaveUp(f"POST /v1/jobs: {answer.status_code}")
        record.import_job = answer.json()["id"]
        job = follow(self.client, record.import_job)
        self.client.ask("DELETE", address, headers=TUS)
        self._compare(record, job, shared)
        dataset: str = job["dataset"]
        return dataset

    def _send(self, data: bytes) -> str:
        """Sends a file in parts, and returns the address of the upload."""
        begin = {**TUS, "Upload-Length": str(len(data))}
        address: str = self.client.ask("POST", "/v1/uploads", headers=begin).headers["location"]
        part = {**TUS, "Content-Type": "application/offset+octet-stream"}
        offset = 0
        while offset < len(data):
            block = data[offset : offset + PART_BYTES]
            headers = {**part, "Upload-Offset": str(offset)}
            answer = self.client.ask("PATCH", address, content=block, headers=headers)
            if answer.status_code == 409:  # an earlier try was stored, and its answer was lost
                answer = self.client.ask("HEAD", address, headers=TUS)
            offset = int(answer.headers["upload-offset"])
        return address

    def _compare(self, record: Record, job: Any, shared: str) -> None:
        """Compares the imported dataset with the posted one.

        Raises:
            GaveUp: The import made no dataset.
        """
        if job["state"] != "succeeded":
            record.errors.append(f"the import {job['id']} is {job['state']}: {job['error']}")
            raise GaveUp(f"the import {job['id']}")
        made, posted = (self.client.read(f"/v1/datasets/{one}") for one in (job["dataset"], shared))
        if _describe(made) != _describe(posted):
            record.errors.append(f"the imported dataset differs: {_describe(made)}")


def _describe(dataset: Any) -> Any:
    return dataset["rows"], dataset["bytes"], dataset["columns"]
