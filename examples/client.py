"""A client of Graphfit in the standard library alone: posts, polls, downloads, predicts.

Run it beside a service:  python examples/client.py [http://127.0.0.1:8000]
Where that asks for an API key, the environment holds it: GRAPHFIT_KEY=gf_...
"""

import json
import os
import random
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any


class Graphfit:
    """The calls of the API that a training needs."""

    def __init__(self, address: str = "http://127.0.0.1:8000", key: str = "") -> None:
        self.address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call; a problem document is raised as `urllib.error.HTTPError`."""
        request = self._request(path, method)
        request.add_header("Accept", "application/json")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if method == "POST":
            request.add_header("Idempotency-Key", str(uuid.uuid4()))
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

    def follow(self, job_id: str, seconds: float = 0.25) -> Iterator[dict[str, Any]]:
        """The job as it goes on, until it has ended."""
        while True:
            job = self.call("GET", f"/v1/jobs/{job_id}")
            yield job
            if job["is_terminal"]:
                return
            time.sleep(seconds)

    def finished(self, job_id: str) -> dict[str, Any]:
        """The job once it has ended.

        Raises:
            RuntimeError: it did not succeed.
        """
        *_, job = self.follow(job_id)
        if job["state"] != "succeeded":
            raise RuntimeError(f"the job {job['state']}: {job['error']}")
        return job

    def download(self, model_id: str, name: str) -> bytes:
        """One file of a model."""
        with urllib.request.urlopen(self._request(f"/v1/models/{model_id}/files/{name}")) as answer:
            content: bytes = answer.read()
            return content

    def _request(self, path: str, method: str = "GET") -> urllib.request.Request:
        return urllib.request.Request(f"{self.address}{path}", None, self._headers, method=method)


GRAPH = {
    "inputs": [{"name": "point", "shape": [2]}],
    "nodes": [
        {
            "name": "hidden",
            "layer": {"type": "Dense", "config": {"units": 16, "activation": "relu"}},
            "inputs": "point",
        },
        {
            "name": "inside",
            "layer": {"type": "Dense", "config": {"units": 1, "activation": "sigmoid"}},
            "inputs": "hidden",
        },
    ],
    "outputs": ["inside"],
}


def main(address: str) -> None:
    """Learns whether a point of the square lies in the circle."""
    service = Graphfit(address, os.environ.get("GRAPHFIT_KEY", ""))
    draw = random.Random(7)
    points = [[draw.uniform(-1, 1), draw.uniform(-1, 1)] for _ in range(2000)]
    labels = [int(x * x + y * y < 0.6) for x, y in points]

    dataset = service.call("POST", "/v1/datasets", {"columns": {"point": points, "inside": labels}})
    job = service.call(
        "POST",
        "/v1/jobs",
        {
            "graph": GRAPH,
            "dataset": dataset["id"],
            "compile": {
                "optimizer": {"type": "Adam", "config": {"learning_rate": 0.01}},
                "loss": "binary_crossentropy",
                "metrics": ["accuracy"],
            },
            "fit": {"epochs": 20, "batch_size": 32, "validation_split": 0.2},
            "seed": 7,
        },
    )
    for now in service.follow(job["id"]):
        progress = now["progress"]
        print(f"{now['state']}: epoch {progress['epoch']} of {progress['epochs']}")
    done = service.finished(job["id"])
    print("metrics:", done["metrics"])

    weights = service.download(done["model"], "model.safetensors")
    print(f"model.safetensors: {len(weights)} bytes")
    question = {"instances": [[0.0, 0.0], [0.95, 0.95]]}
    answer = service.call("POST", f"/v1/models/{done['model']}:predict", question)
    print("predictions:", answer["predictions"])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
