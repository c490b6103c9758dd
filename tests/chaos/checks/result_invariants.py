"""Invariants of the results of jobs."""

from collections import Counter

from tests.chaos.checks.evidence import Evidence, Found
from tests.chaos.checks.reference import Result, metrics_of
from tests.chaos.load.scenarios import Record


def succeeded_jobs_have_one_model(evidence: Evidence) -> Found:
    """Each job that succeeded has one model; no other job has one."""
    made = Counter(model["job"] for model in evidence.models)
    known = {model["id"]: model["job"] for model in evidence.models}
    for job_id, job in evidence.jobs.items():
        if job["sweep"] is not None:  # the model of a trial is deleted unless it is the best
            continue
        expected = int(job["state"] == "succeeded" and job["kind"] in ("train", "build"))
        if made[job_id] != expected:
            yield job_id, f"is {job['state']} and has {made[job_id]} models"
        if expected and known.get(job["model"]) != job_id:
            yield job_id, f"names {job['model']}, which is not its model"
    for job_id in made.keys() - evidence.jobs.keys():
        yield job_id, "has a model, and does not exist"


def datasets_are_made_once(evidence: Evidence) -> Found:
    """Each dataset that a client brought was deleted by that client; no other one exists."""
    if any(record.gave_up for record in evidence.records):
        return
    for dataset in sorted(evidence.datasets - set(evidence.references.datasets.values())):
        yield dataset, "exists, and no client has its id"


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
    """Weights, metrics, reports and predictions equal those of the reference bit for bit."""
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
        if evidence.reports[job["id"]] != wanted.report:
            yield job["id"], "its report differs"
        if record.predictions is not None and record.predictions != wanted.predictions:
            yield job["id"], f"the predictions of its model differ: {record.predictions}"
        yield from _compare_inferred(record, wanted)
        if job["bit_exact"] is not True:
            yield job["id"], f"bit_exact is {job['bit_exact']}"


def _compare_inferred(record: Record, wanted: Result) -> Found:
    """Compares what jobs have computed with the model."""
    for kind, inferred in record.inferred.items():
        if inferred != wanted.inferred[kind]:
            yield record.inference_jobs[kind], f"the result of {kind} differs: {inferred}"


def files_match_their_hashes(evidence: Evidence) -> Found:
    """Each download has the size and the hash that its model names."""
    for model in evidence.models:
        for file in model["files"]:
            found = evidence.downloads[model["id"], file["name"]]
            if found != (file["sha256"], file["bytes"]):
                yield f"{model['job']}: {model['id']}/{file['name']}", f"is {found}, not {file}"
