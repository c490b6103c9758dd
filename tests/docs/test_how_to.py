"""The commands of the how-tos run as printed, after those of the curl tutorial."""

from pathlib import Path

import pytest

from tests.docs.blocks import blocks, languages, run_bash, run_python
from tests.support.service import ROOT, Service

HOW_TO = ROOT / "docs" / "how-to"
TUTORIAL = ROOT / "docs" / "tutorial" / "curl.md"
PAGES = sorted(HOW_TO.glob("*.md"))
COMMANDS = [page for page in PAGES if "sh" in languages(page)]
PYTHON = [page for page in PAGES if "python" in languages(page)]
"""Pages with Python; `tests/clients` runs the JavaScript, which needs packages of npm."""
NOT_RUN = {"console", "yaml", "ini"}
"""Languages of blocks with commands for other machines, and with excerpts of files."""


@pytest.fixture(scope="module")
def shell(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The variables and functions of the shell in which the tutorial was run."""
    kept = tmp_path_factory.mktemp("shell") / "variables"
    names = "API FOLDER WINE TRAIN VALIDATION FEED GRAPH JOB MODEL"
    keep = f"\ndeclare -p {names} >'{kept}'; declare -f >>'{kept}'\n"
    run_bash("".join(blocks(TUTORIAL, "sh")) + keep, service)
    return kept


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_run_or_marked_as_not_run(page: Path) -> None:
    assert languages(page) - NOT_RUN <= {"sh", "python", "javascript"}


@pytest.mark.slow
@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.stem)
def test_the_python_programs_and_their_jobs_succeed(service: Service, page: Path) -> None:
    for block in blocks(page, "python"):
        job = run_python(block, service).strip()
        assert service.ended(job)["state"] == "succeeded"


@pytest.mark.slow
@pytest.mark.parametrize("page", COMMANDS, ids=lambda page: page.stem)
def test_the_commands_and_their_jobs_succeed(service: Service, shell: Path, page: Path) -> None:
    before = newest_jobs(service)
    printed = run_bash(f"source '{shell}'\n" + "".join(blocks(page, "sh")), service)
    assert "/problems/" not in printed
    own = newest_jobs(service) - before
    assert [service.ended(job)["state"] for job in own] == ["succeeded"] * len(own)
    assert own


def newest_jobs(service: Service) -> set[str]:
    """Lists the ids of the jobs on the first page of `GET /v1/jobs`."""
    return {job["id"] for job in service.client.get("/v1/jobs").json()["items"]}
