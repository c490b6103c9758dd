"""`make demo`: starts the service, and trains and tries a model with three inputs on real data."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from examples.client import Graphfit
from examples.wine import EPOCHS, INPUTS, make_graph, make_job, read_wines

WARNING = "graphfit: warning: "
SHOWN = 3
"""Number of wines whose predictions are shown."""
LINES = 10
"""Number of progress lines where there is no terminal."""


def main() -> int:
    """Leaves the service up until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    console = Console(highlight=False, soft_wrap=True)
    port = os.environ.get("GRAPHFIT_DEMO_PORT", "8000")
    command = [sys.executable, "-m", "cli.main", "serve", "--port", port]
    descriptor, log = tempfile.mkstemp(prefix="graphfit-demo-", suffix=".log")
    service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=descriptor, text=True)
    try:
        address = _start(service, console, Path(log))
        if address is None:
            return service.wait() or 1
        client = Graphfit(address, os.environ.get("GRAPHFIT_KEY", ""))
        tell(client, train(client, console), console)
        console.print("\nThe service stays up; stop it with Ctrl-C.")
        return service.wait()
    except KeyboardInterrupt:
        return 0
    except HTTPError as error:  # e.g. with GRAPHFIT_AUTH=keys and without GRAPHFIT_KEY
        console.print(error.read().decode(), markup=False)
        return 1
    finally:
        service.terminate()
        service.wait()


def _start(service: "subprocess.Popen[str]", console: Console, log: Path) -> str | None:
    """Returns the address of the service once it is ready; None if it has ended."""
    console.print("Starting the service: TensorFlow takes a few seconds to load ...")
    assert service.stdout is not None
    for line in service.stdout:
        if " ready: " in line:
            address = line.split(" ready: ")[1].split()[0]
            _print_warnings(console, log)
            console.print(f"The service is up: {address} (its log: {log})")
            return address
        print(line, end="", flush=True)
    print(log.read_text(), end="", flush=True)
    return None


def _print_warnings(console: Console, log: Path) -> None:
    for line in log.read_text().splitlines():
        if line.startswith(WARNING):
            console.print(line.removeprefix("graphfit: "), style="yellow", markup=False)


def train(service: Graphfit, console: Console) -> dict[str, Any]:
    """Trains a model, and shows how far the training is. Returns the job."""
    training, validation = read_wines()
    ids = []
    for name, columns in (("wine, training", training), ("wine, validation", validation)):
        dataset = service.call("POST", "/v1/datasets", {"name": name, "columns": columns})
        console.print(f"Sent {dataset['rows']} wines as the dataset '{name}'.")
        ids.append(dataset["id"])
    graph = service.call("POST", "/v1/graphs", {"name": "wine", "definition": make_graph()})
    parameters = graph["summary"]["parameters"]["total"]
    console.print(f"Sent a graph with {len(INPUTS)} inputs and {parameters:,} parameters.")
    job = service.call("POST", "/v1/jobs", make_job(graph["id"], *ids))
    console.print(f"Sent the job {job['id']}.\n")
    show(service.follow(job["id"], seconds=0.1), console)
    return service.finished(job["id"])


def show(jobs: Iterable[dict[str, Any]], console: Console) -> None:
    """Shows the progress of a job: as a bar or, where there is no terminal, as lines.

    Args:
        jobs: The job at different times.
        console: Where to print.
    """
    columns = (
        TextColumn("{task.description:>9}"),
        BarColumn(complete_style="cyan", finished_style="green"),
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}{task.fields[metrics]}"),
        TimeElapsedColumn(),
    )
    shown: set[Any] = set()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("queued", total=EPOCHS, metrics="")
        for job in jobs:
            state, metrics = _describe_state(job), _format_metrics(job["metrics"])
            epoch, epochs = job["progress"]["epoch"], job["progress"]["epochs"]
            bar.update(task, description=state, completed=epoch, total=epochs, metrics=metrics)
            bar.refresh()
            line = (state, epoch * LINES // EPOCHS)
            if not console.is_terminal and line not in shown:
                console.print(f"{state:>9} epoch {epoch}/{epochs}{metrics}")
            shown.add(line)


def _describe_state(job: dict[str, Any]) -> str:
    progress = job["progress"]
    is_saving = job["state"] == "running" and progress["epoch"] == progress["epochs"]
    return "saving" if is_saving else str(job["state"])


def _format_metrics(metrics: dict[str, float]) -> str:
    shown = [name for name in ("loss", "val_accuracy") if name in metrics]
    return "".join(f"  {name} {metrics[name]:.3f}" for name in shown)


def tell(service: Graphfit, job: dict[str, Any], console: Console) -> None:
    """Tells what the model can do, and what to try next."""
    _, validation = read_wines()
    cultivars = validation["cultivar"]
    rows = [{name: validation[name][row] for name in INPUTS} for row in range(len(cultivars))]
    answer = service.call("POST", f"/v1/models/{job['model']}:predict", {"instances": rows})
    _tell_accuracy(job, answer["predictions"], cultivars, console)
    _tell_next_steps(service, job["model"], console)


def _tell_accuracy(
    job: dict[str, Any], predicted: list[list[float]], cultivars: list[int], console: Console
) -> None:
    """Compares predictions with what is right.

    Args:
        job: The job.
        predicted: For each wine, the probability of each cultivar.
        cultivars: The cultivar of each wine.
        console: Where to print.
    """
    guesses = [row.index(max(row)) for row in predicted]
    right = sum(guess == cultivar for guess, cultivar in zip(guesses, cultivars, strict=True))
    console.print(
        f"\n[bold green]The model names the cultivar of {right} of {len(cultivars)} wines that it "
        f"was not trained on[/] (val_accuracy {job['metrics']['val_accuracy']:.3f}).\n"
    )
    step = len(cultivars) // SHOWN
    for row in range(step // 2, step * SHOWN, step):
        console.print(
            f"  wine {row + 1:>2}: cultivar {guesses[row]} says the model, with a probability of "
            f"{max(predicted[row]):.2f}; it is cultivar {cultivars[row]}"
        )


def _tell_next_steps(service: Graphfit, model: str, console: Console) -> None:
    address, file = service.address, f"{service.address}/v1/models/{model}/files/model.keras"
    key = ' -H "Authorization: Bearer $GRAPHFIT_KEY"' if os.environ.get("GRAPHFIT_KEY") else ""
    lines = [
        "\n[bold]What to try next[/]",
        "  1. Ask the model about another wine:",
        f"     curl{key} {address}/v1/models/{model}:predict \\",
        "       -H 'Content-Type: application/json' \\",
        f"       -d '{_make_question()}'",
        "  2. Take the model with you, and open it with `keras.models.load_model`:",
        f"     curl{key} -O {file}",
        f"  3. Send a graph and data of your own, from your browser: {address}/docs",
        "     The tutorial explains each step: docs/tutorial/README.md",
    ]
    for line in lines:
        console.print(line, markup="[bold]" in line)


def _make_question() -> str:
    """Returns the body of a prediction of one wine."""
    _, validation = read_wines()
    return json.dumps({"instances": [{name: validation[name][-1] for name in INPUTS}]})


if __name__ == "__main__":
    sys.exit(main())
