"""`make demo`: starts the service and trains a two-input, two-output model before your eyes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from examples.client import Graphfit

ROWS = 2_000
BAR = 30
EXAMPLE = Path(__file__).parents[1] / "openapi" / "examples" / "multi_input.json"


def main() -> int:
    """Leaves the service up until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = os.environ.get("GRAPHFIT_DEMO_PORT", "8000")
    command = [sys.executable, "-m", "cli.main", "serve", "--port", port]
    descriptor, log = tempfile.mkstemp(prefix="graphfit-demo-", suffix=".log")
    service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=descriptor, text=True)
    try:
        print(f"What the service's parts log goes to {log}.")
        address = _address(service)
        if address is None:
            print(Path(log).read_text(), end="")
            return service.wait() or 1
        _train(Graphfit(address))
        print("\nThe service stays up; stop it with Ctrl-C.", flush=True)
        return service.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        service.terminate()
        service.wait()


def _address(service: "subprocess.Popen[str]") -> str | None:
    """Reads what the service says until it is ready; None when it ended."""
    print("Starting the service (TensorFlow takes a few seconds to load) ...", flush=True)
    assert service.stdout is not None
    for line in service.stdout:
        print(line, end="", flush=True)
        if " ready: " in line:
            return line.split(" ready: ")[1].split()[0]
    return None


def _train(service: Graphfit) -> None:
    example = json.loads(EXAMPLE.read_text())
    graph = service.call("POST", "/v1/graphs", example["graph"])
    summary = graph["summary"]["parameters"]
    print(f"Posted the graph {graph['id']}: {summary['total']:,} parameters.")
    dataset = service.call("POST", "/v1/datasets", {"name": "headlines", "columns": _headlines()})
    print(f"Posted the dataset {dataset['id']}: {dataset['rows']:,} generated headlines.")
    request = {**example["job"], "graph": graph["id"], "dataset": dataset["id"]}
    request["fit"] = {"epochs": 10, "batch_size": 32, "validation_split": 0.1}
    job = service.call("POST", "/v1/jobs", request)
    print(f"Posted the job {job['id']}.\n")
    shown: list[int] = []
    for now in service.follow(job["id"], seconds=0.1):
        _show(now, shown)
    print()
    _tell(service, service.finished(job["id"]))


def _headlines() -> dict[str, list[Any]]:
    """Word numbers and five side facts: exciting last words, or a first fact, make a hit."""
    draw = random.Random(7)
    columns: dict[str, list[Any]] = {"headline": [], "extra": [], "label": []}
    for _ in range(ROWS):
        exciting = draw.random() < 0.4
        ending = range(1, 51) if exciting else range(51, 101)
        words = [draw.randrange(101, 10_000) for _ in range(90)] + draw.choices(ending, k=10)
        facts = [round(draw.random(), 3) for _ in range(5)]
        columns["headline"].append(words)
        columns["extra"].append(facts)
        columns["label"].append(int(exciting or facts[0] > 0.85))
    return columns


def _show(job: dict[str, Any], shown: list[int]) -> None:
    """One line that is drawn over; without a terminal, a line an epoch."""
    progress = job["progress"]
    left, loss = progress["seconds_remaining"], job["metrics"].get("loss")
    filled = round(BAR * progress["fraction"])
    state = "saving" if job["state"] == "running" and filled == BAR else job["state"]
    text = f"{state:>9} [{'#' * filled:-<{BAR}}] epoch {progress['epoch']}/{progress['epochs']}"
    text += f" loss {loss:.4f}" if loss is not None else ""
    text += f" {left:.0f} s left" if left and state == "running" else ""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:width]:<{width}}", end="", flush=True)
    elif progress["epoch"] not in shown or job["is_terminal"]:
        print(text, flush=True)
    shown.append(progress["epoch"])


def _tell(service: Graphfit, job: dict[str, Any]) -> None:
    print("\nFinal metrics:")
    for name, value in job["metrics"].items():
        print(f"  {name:<28} {value:.4f}")
    model = service.call("GET", f"/v1/models/{job['model']}")
    print(f"\nThe model {model['id']} and its files:")
    for file in model["files"]:
        address = f"{service.address}/v1/models/{model['id']}/files/{file['name']}"
        print(f"  {address}  ({file['bytes']:,} bytes)")
    question = {"main_input": [500] * 90 + [7] * 10, "aux_input": [0.5] * 5}
    answer = service.call("POST", f"/v1/models/{model['id']}:predict", {"instances": [question]})
    hit = answer["predictions"][0]["main_output"][0]
    print(f"\nA headline that ends excitingly is predicted to be a hit with {hit:.2f}.")
    print(f"\nThe API, to try out in a browser: {service.address}/docs")


if __name__ == "__main__":
    sys.exit(main())
