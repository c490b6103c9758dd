"""A client that evaluates and predicts over a dataset by jobs."""

from dataclasses import dataclass

from tests.chaos.checks.reference import take_result
from tests.chaos.load.http_client import GaveUp, HttpClient
from tests.chaos.load.importer import follow
from tests.chaos.load.scenarios import Record


@dataclass(frozen=True)
class Inference:
    """Repeats each request until it has a definite answer."""

    client: HttpClient

    def run(self, record: Record, model: str, dataset: str) -> None:
        """Evaluates and predicts, one after the other.

        Args:
            record: Where the jobs and their results are kept.
            model: The id of the model that the scenario's job has made.
            dataset: The id of the dataset that the model was trained on.
        """
        for kind in ("evaluate", "predict"):
            key = f"{record.scenario.key}-{kind}"
            body = {
                "kind": kind,
                "model": model,
                "dataset": dataset,
                "metadata": {"scenario": key},
            }
            headers = {"Idempotency-Key": key}
            answer = self.client.ask("POST", "/v1/jobs", json=body, headers=headers)
            if answer.status_code != 202:
                raise GaveUp(f"POST /v1/jobs: {answer.status_code} {answer.text}")
            record.inference_jobs[kind] = answer.json()["id"]
            job = follow(self.client, record.inference_jobs[kind])
            if job["state"] != "succeeded":
                record.errors.append(f"{kind} {job['id']} is {job['state']}: {job['error']}")
                raise GaveUp(f"{kind} {job['id']}")
            record.inferred[kind] = take_result(self.client, job)
