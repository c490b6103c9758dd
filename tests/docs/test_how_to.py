"""The commands of the how-tos run as printed, after those of the curl tutorial."""

from pathlib import Path

import pytest

from tests.docs.blocks import blocks, languages, run_bash
from tests.support.service import ROOT, Service

HOW_TO = ROOT / "docs" / "how-to"
TUTORIAL = ROOT / "docs" / "tutorial" / "curl.md"
PAGES = sorted(HOW_TO.glob("*.md"))
COMMANDS = [page for page in PAGES if "sh" in languages(page)]
NOT_RUN = {"console", "yaml", "ini"}
"""Languages of blocks with commands for other machines, and with excerpts of files."""


@pytest.fixture(scope="module")
def shell(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The variables and functions of the shell in which the tutorial was run."""
    kept = tmp_path_factory.mktemp("shell") / "variables"
    names = "API FOLDER TRAIN VALIDATION GRAPH JOB MODEL"
    keep = f"\ndeclare -p {names} >'{kept}'; declare -f >>'{kept}'\n"
    run_bash("".join(blocks(TUTORIAL, "sh")) + keep, service)
    return kept


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_run_or_marked_as_not_run(page: Path) -> None:
    assert languages(page) - NOT_RUN <= {"sh"}


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
