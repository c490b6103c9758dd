"""`make demo`: what it trains, what it shows, and the whole of it up to its last line."""

import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from examples.client import Graphfit
from examples.demo import show, tell, train
from examples.wine import EPOCHS, INPUTS, read_wines
from tests.docs.blocks import run_bash
from tests.support.service import ROOT, Service


def make_console(*, is_terminal: bool) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=is_terminal,
        color_system="standard" if is_terminal else None,
        width=100,
        highlight=False,
        soft_wrap=True,
    )


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def job(state: str, epoch: int, **metrics: float) -> dict[str, Any]:
    return {
        "state": state,
        "metrics": metrics,
        "progress": {"epoch": epoch, "epochs": EPOCHS},
    }


JOBS = [
    job("queued", 0),
    *(job("running", epoch, loss=1 / epoch, val_accuracy=0.5) for epoch in range(1, EPOCHS + 1)),
    job("succeeded", EPOCHS, loss=0.025, val_accuracy=0.971),
]


def test_no_wine_for_validation_is_trained_on() -> None:
    with (ROOT / "examples" / "wine.csv").open() as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    found = [
        sorted([*chain(*(columns[name][row] for name in INPUTS)), columns["cultivar"][row]])
        for columns in read_wines()
        for row in range(len(columns["cultivar"]))
    ]
    assert sorted(found) == sorted(sorted(row) for row in rows)
    assert [len(columns["cultivar"]) for columns in read_wines()] == [142, 36]


def test_a_terminal_shows_a_coloured_bar() -> None:
    console = make_console(is_terminal=True)
    show(JOBS, console)
    text = printed(console)
    assert "\x1b[36m" in text  # cyan while it trains
    assert "\x1b[32m" in text  # green when it has ended
    assert "━" in text
    last = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text).strip().splitlines()[-1]
    assert f"epoch {EPOCHS}/{EPOCHS}" in last
    assert "loss 0.025" in last
    assert "val_accuracy 0.971" in last


def test_lines_are_shown_where_there_is_no_terminal() -> None:
    console = make_console(is_terminal=False)
    show(JOBS, console)
    lines = printed(console).splitlines()
    assert 3 <= len(lines) <= 15
    assert lines[0].split() == ["queued", "epoch", f"0/{EPOCHS}"]
    assert lines[-1] == f"succeeded epoch {EPOCHS}/{EPOCHS}  loss 0.025  val_accuracy 0.971"
    assert not any("\x1b" in line for line in lines)


@pytest.mark.slow
def test_the_model_of_the_demo_generalizes(service: Service) -> None:
    console = make_console(is_terminal=False)
    client = Graphfit(service.address)
    done = train(client, console)
    tell(client, done, console)

    _, validation = read_wines()
    rows = [
        {name: validation[name][row] for name in INPUTS}
        for row in range(len(validation["cultivar"]))
    ]
    path = f"/v1/models/{done['model']}:predict"
    answer = service.client.post(path, json={"instances": rows}).json()["predictions"]
    guesses = [row.index(max(row)) for row in answer]
    right = [a == b for a, b in zip(guesses, validation["cultivar"], strict=True)]
    accuracy = sum(right) / len(right)
    assert accuracy > 0.9
    assert done["metrics"]["val_accuracy"] == pytest.approx(accuracy)
    text = printed(console)
    assert f"The model names the cultivar of {sum(right)} of {len(right)} wines" in text
    assert f"val_accuracy {accuracy:.3f}" in text
    assert f"{service.address}/v1/models/{done['model']}/files/model.keras" in text
    assert f"{service.address}/docs" in text
    assert "docs/tutorial/README.md" in text
    command = text.split("another wine:\n")[1].split("  2. ")[0]
    assert len(json.loads(run_bash(command, service))["predictions"][0]) == 3


@pytest.mark.slow
def test_the_demo_trains_and_stays_up_until_it_is_stopped(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    environment = {
        **os.environ,
        "GRAPHFIT_DATA": str(tmp_path),
        "GRAPHFIT_DEMO_PORT": port,
        "GRAPHFIT_LEASE_SECOND": "9",
    }
    # Processes of a background job ignore SIGINT, so the demo would as well.
    with_signals = ["env", "--default-signal=INT"]
    demo = subprocess.Popen(
        [*with_signals, sys.executable, "-u", "-m", "examples.demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    printed = ""
    for line in demo.stdout:
        printed += line
        if "The service stays up" in line:
            break
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0
    assert "succeeded" in printed
    assert f"epoch {EPOCHS}/{EPOCHS}" in printed
    assert float(re.findall(r"val_accuracy ([\d.]+)", printed)[-1]) > 0.9
    assert "/files/model.keras" in printed
    assert f"http://127.0.0.1:{port}/docs" in printed
    assert "Did you mean 'GRAPHFIT_LEASE_SECONDS'?" in printed
