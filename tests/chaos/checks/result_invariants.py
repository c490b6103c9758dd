"""What is promised of a job's result."""

from collections import Counter

from tests.chaos.checks.evidence import Evidence, Found
from tests.chaos.checks.reference import metrics_of


def successes_have_one_model(evidence: Evidence) -> Found:
    """One result a success, none else."""
    made = Counter(model["job"] for model in evidence.models)
    known = {model["id"]: model["job"] for model in evidence.models}
    for job_id, job in evidence.jobs.items():
        expected = int(job["state"] == "succeeded")
        if made[job_id] != expected:
            yield job_id, f"is {job['state']} and has {made[job_id]} models"
        if expected and known.get(job["model"]) != job_id:
            yield job_id, f"names {job['model']}, which is not its model"
    for job_id in made.keys() - evidence.jobs.keys():
        yield job_id, "has a model, and is not there"


def histories_are_whole(evidence: Evidence) -> Found:
    """Every epoch once, and each announced."""
    for record, job in evidence.succeeded():
        epochs = [epoch["epoch"] for epoch in evidence.histories[job["id"]]["epochs"]]
        if epochs != list(range(1, record.scenario.workload.epochs + 1)):
            yield job["id"], f"its history has the epochs {epochs}"
        events = evidence.events[job["id"]]
        announced = {event["data"]["epoch"] for event in events if event["type"] == "epoch"}
        if announced != set(epochs):
            yield job["id"], f"the epochs {sorted(announced)} were announced"


def results_equal_the_undisturbed(evidence: Evidence) -> Found:
    """Bit for bit."""
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
            yield job["id"], "other metrics in its history"
        if record.predictions is not None and record.predictions != wanted.predictions:
            yield job["id"], f"its model predicts otherwise: {record.predictions}"
        if job["bit_exact"] is not True:
            yield job["id"], f"bit_exact is {job['bit_exact']}"


def files_match_their_hashes(evidence: Evidence) -> Found:
    """Each file of each model, downloaded."""
    for model in evidence.models:
        for file in model["files"]:
            found = evidence.downloads[model["id"], file["name"]]
            if found != (file["sha256"], file["bytes"]):
                yield f"{model['job']}: {model['id']}/{file['name']}", f"is {found}, not {file}"
