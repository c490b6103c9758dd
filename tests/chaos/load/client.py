"""A client at work: submits, follows, interferes, reads what came of it."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from tests.chaos.checks.reference import predicted
from tests.chaos.cluster.timeline import Timeline
from tests.chaos.load.http_client import GaveUp, HttpClient
from tests.chaos.load.scenarios import Record, Scenario

POLL_SECONDS = 0.5


class Client:
    """Does one scenario after the other."""

    def __init__(self, client: HttpClient, timeline: Timeline, datasets: Mapping[str, str]) -> None:
        """Takes the datasets that are there already, by workload."""
        self._client = client
        self._timeline = timeline
        self._datasets = datasets

    def run(self, scenario: Scenario) -> Record:
        """From the first request to the last."""
        record = Record(scenario)
        try:
            self._run(record)
        except GaveUp as unanswered:
            record.gave_up = True
            self._timeline.say(f"{scenario.key}: gave up on {unanswered}")
        return record

    def _run(self, record: Record) -> None:
        scenario = record.scenario
        dataset = (
            self._uploaded(scenario) if scenario.uploads else self._datasets[scenario.workload.name]
        )
        record.job = self._created("/v1/jobs", scenario, scenario.request(dataset))
        self._follow(record, self._timeline.now())
        if record.last is not None and record.last["state"] == "succeeded":
            self._inspect(record, record.last["model"])
        if scenario.uploads:
            self._client.ask("DELETE", f"/v1/datasets/{dataset}")

    def _uploaded(self, scenario: Scenario) -> str:
        return self._created("/v1/datasets", scenario, {"columns": scenario.workload.columns})

    def _created(self, path: str, scenario: Scenario, body: Any) -> str:
        """Sent again and again under one key until the answer comes through."""
        answer = self._client.ask(
            "POST", path, json=body, headers={"Idempotency-Key": scenario.key}
        )
        if answer.status_code not in (201, 202):
            raise GaveUp(f"POST {path}: {answer.status_code}")
        identifier: str = answer.json()["id"]
        return identifier

    def _follow(self, record: Record, accepted: float) -> None:
        """Until the job is seen terminal."""
        headers: dict[str, str] = {}
        acts, paused = _acts(record.scenario), None
        while True:
            answer = self._client.ask("GET", f"/v1/jobs/{record.job}", headers=headers)
            if answer.status_code == 200:
                headers = {"If-None-Match": answer.headers["etag"]}
                job = answer.json()
                if job["is_terminal"]:
                    record.last = job
                    break
                paused = (paused or self._timeline.now()) if job["state"] == "paused" else None
            elif answer.status_code != 304:
                record.faults.append(f"a poll was answered {answer.status_code}: {answer.text}")
                break
            now = self._timeline.now()
            while acts and now - accepted >= acts[0][0]:
                self._act(record, acts.pop(0)[1])
            if paused is not None and now - paused >= record.scenario.resume_after:
                self._act(record, "resume")
            self._read_events(record)
            time.sleep(POLL_SECONDS)
        self._read_events(record)

    def _act(self, record: Record, name: str) -> None:
        answer = self._client.ask("POST", f"/v1/jobs/{record.job}/{name}")
        record.asked.append((name, answer.status_code))
        self._timeline.say(f"{record.job}: a client asks to {name}: {answer.status_code}")

    def _read_events(self, record: Record) -> None:
        """Those that came since the last look."""
        after = record.events[-1]["id"] if record.events else 0
        page = self._client.read(f"/v1/jobs/{record.job}/events?cursor={after}&page_size=1000")
        record.events += page.get("items", [])

    def _inspect(self, record: Record, model: str) -> None:
        """Downloads every file, and asks for a prediction."""
        for file in self._client.read(f"/v1/models/{model}")["files"]:
            answer = self._client.ask("GET", f"/v1/models/{model}/files/{file['name']}")
            if hashlib.sha256(answer.content).hexdigest() != file["sha256"]:
                record.faults.append(f"{file['name']} was downloaded with another content")
        if record.scenario.predicts:
            record.predictions = predicted(self._client, model, record.scenario.workload)


def _acts(scenario: Scenario) -> list[tuple[float, str]]:
    """By when they are due."""
    due = {"cancel": scenario.cancel_after, "pause": scenario.pause_after}
    return sorted((after, name) for name, after in due.items() if after is not None)
