"""A client that submits a job, follows it, cancels or pauses it, and reads its result."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from tests.chaos.checks.reference import predict
from tests.chaos.cluster.timeline import Timeline
from tests.chaos.load.http_client import GaveUp, HttpClient
from tests.chaos.load.importer import Importer
from tests.chaos.load.inference import Inference
from tests.chaos.load.scenarios import Record, Scenario

POLL_SECONDS = 0.5


class Client:
    """Runs scenarios; several threads may do so at once."""

    def __init__(self, client: HttpClient, timeline: Timeline, datasets: Mapping[str, str]) -> None:
        """Makes a client.

        Args:
            client: Sends the requests.
            timeline: Where the actions are recorded.
            datasets: The ids of the datasets that exist already, by workload.
        """
        self._client = client
        self._timeline = timeline
        self._datasets = datasets

    def run(self, scenario: Scenario) -> Record:
        """Runs one scenario from its first request to its last."""
        record = Record(scenario)
        try:
            self._run(record)
        except GaveUp as unanswered:
            record.gave_up = True
            self._timeline.add(f"{scenario.key}: gave up on {unanswered}")
        return record

    def _run(self, record: Record) -> None:
        scenario = record.scenario
        dataset = self._find_dataset(record)
        record.job = self._create("/v1/jobs", scenario, scenario.request(dataset))
        self._follow(record, self._timeline.now())
        if record.final is not None and record.final["state"] == "succeeded":
            self._inspect(record, record.final["model"])
            if scenario.infers:
                Inference(self._client).run(record, record.final["model"], dataset)
        if scenario.uploads or scenario.imports:
            self._client.ask("DELETE", f"/v1/datasets/{dataset}")

    def _find_dataset(self, record: Record) -> str:
        """The id of the scenario's dataset, which some clients bring themselves."""
        scenario = record.scenario
        shared = self._datasets[scenario.workload.name]
        if scenario.imports:
            return Importer(self._client).run(record, shared)
        return self._upload(scenario) if scenario.uploads else shared

    def _upload(self, scenario: Scenario) -> str:
        return self._create("/v1/datasets", scenario, {"columns": scenario.workload.columns})

    def _create(self, path: str, scenario: Scenario, body: Any) -> str:
        """Creates a resource; all tries send the same `Idempotency-Key`."""
        answer = self._client.ask(
            "POST", path, json=body, headers={"Idempotency-Key": scenario.key}
        )
        if answer.status_code not in (201, 202):
            raise GaveUp(f"POST {path}: {answer.status_code}")
        identifier: str = answer.json()["id"]
        return identifier

    def _follow(self, record: Record, accepted: float) -> None:
        """Polls the job and actions on it until the job is in a terminal state."""
        headers: dict[str, str] = {}
        actions, paused = _due_actions(record.scenario), None
        while True:
            answer = self._client.ask("GET", f"/v1/jobs/{record.job}", headers=headers)
            if answer.status_code == 200:
                headers = {"If-None-Match": answer.headers["etag"]}
                job = answer.json()
                if job["is_terminal"]:
                    record.final = job
                    break
                paused = (paused or self._timeline.now()) if job["state"] == "paused" else None
            elif answer.status_code != 304:
                record.errors.append(
                    f"the answer to a poll was {answer.status_code}: {answer.text}"
                )
                break
            now = self._timeline.now()
            while actions and now - accepted >= actions[0][0]:
                self._act(record, actions.pop(0)[1])
            if paused is not None and now - paused >= record.scenario.resume_after:
                self._act(record, "resume")
            self._read_events(record)
            time.sleep(POLL_SECONDS)
        self._read_events(record)

    def _act(self, record: Record, name: str) -> None:
        answer = self._client.ask("POST", f"/v1/jobs/{record.job}/{name}")
        record.actions.append((name, answer.status_code))
        self._timeline.add(f"{record.job}: a client asks to {name}: {answer.status_code}")

    def _read_events(self, record: Record) -> None:
        """Reads the events that are new since the last call."""
        after = record.events[-1]["id"] if record.events else 0
        page = self._client.read(f"/v1/jobs/{record.job}/events?cursor={after}&page_size=1000")
        record.events += page.get("items", [])

    def _inspect(self, record: Record, model: str) -> None:
        """Downloads every file of a model, and requests a prediction."""
        for file in self._client.read(f"/v1/models/{model}")["files"]:
            answer = self._client.ask("GET", f"/v1/models/{model}/files/{file['name']}")
            if hashlib.sha256(answer.content).hexdigest() != file["sha256"]:
                record.errors.append(f"{file['name']} was downloaded with a different content")
        if record.scenario.predicts:
            record.predictions = predict(self._client, model, record.scenario.workload)


def _due_actions(scenario: Scenario) -> list[tuple[float, str]]:
    """The actions of a scenario by the time when they are due."""
    due = {"cancel": scenario.cancel_after, "pause": scenario.pause_after}
    return sorted((after, name) for name, after in due.items() if after is not None)
