"""`make demo`, up to its last line."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import ROOT


@pytest.mark.slow
def test_the_demo_trains_and_stays_up_until_it_is_stopped(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    environment = {**os.environ, "GRAPHFIT_DATA": str(tmp_path), "GRAPHFIT_DEMO_PORT": port}
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
    assert "epoch 10/10" in printed
    assert "main_output_loss" in printed
    assert "/files/model.keras" in printed
    assert f"http://127.0.0.1:{port}/docs" in printed
