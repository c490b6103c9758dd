"""Invariants of the results of jobs."""

from collections import Counter

from tests.chaos.checks.evidence import Evidence, Found
from tests.chaos.checks.reference import metrics_of


def succeeded_jobs_have_one_model(evidence: Evidence) -> Found:
    """Each job that succeeded has one model; no other job has one."""
    made = Counter(model["job"] for model in evidence.models)
    known = {model["id"]: model["job"] for model in evidence.models}
    for job_id, job in evidence.jobs.items():
        expected = int(job["state"] == "succeeded")
        if made[job_id] != expected:
            yield job_id, f"is {job['state']} and has {made[job_id]} models"
        if expected and known.get(job["model"]) != job_id:
            yield job_id, f"names {job['model']}, which is not its model"
    for job_id in made.keys() - evidence.jobs.keys():
        yield job_id, "has a model, and does not exist"


def histories_are_complete(evidence: Evidence) -> Found:
    """Each history has every epoch once, and each epoch has an event."""
    for record, job in evidence.succeeded():
        epochs = [epoch["epoch"] for epoch in evidence.histories[job["id"]]["epochs"]]
        if epochs != list(range(1, record.scenario.workload.epochs + 1)):
            yield job["id"], f"its history has the epochs {epochs}"
        events = evidence.events[job["id"]]
        announced = {event["data"]["epoch"] for event in events if event["type"] == "epoch"}
        if announced != set(epochs):
            yield job["id"], f"the epochs {sorted(announced)} have events"


def results_equal_the_references(evidence: Evidence) -> Found:
    """Weights, metrics and predictions equal those of the reference bit for bit."""
    models = {model["id"]: model for model in evidence.models}
    for record, job in evidence.succeeded():
        scenario = record.scenario
        wanted = evidence.references.results[scenario.workload.name, scenario.seed]
        files = {file["name"]: file for file in models.get(job["model"], {"files": []})["files"]}
        weights = files.get("model.safetensors", {"sha256": None})["sha256"]
        if weights != wanted.weights:
            yield (
                job["id"],
                f"weights differ: {scenario.workload.name}, seed {scenario.seed}",
            )
        if metrics_of(evidence.histories[job["id"]]) != wanted.metrics:
            yield job["id"], "the metrics in its history differ"
        if record.predictions is not None and record.predictions != wanted.predictions:
            yield job["id"], f"the predictions of its model differ: {record.predictions}"
        if job["bit_exact"] is not True:
            yield job["id"], f"bit_exact is {job['bit_exact']}"


def files_match_their_hashes(evidence: Evidence) -> Found:
    """Each download has the size and the hash that its model names."""
    for model in evidence.models:
        for file in model["files"]:
            found = evidence.downloads[model["id"], file["name"]]
            if found != (file["sha256"], file["bytes"]):
                yield f"{model['job']}: {model['id']}/{file['name']}", f"is {found}, not {file}"
