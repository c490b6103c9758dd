"""Every link, heading and path that the Markdown files name exists."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service import ROOT

LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
PATH = re.compile(
    r"`((?:api|application(?!/(?:json|zip|x-|vnd\.))|cli|compiler|docs|domain|examples|models_store|tests|worker)/[\w./-]*)`"
)
OUTSIDE = ("http://", "https://", "mailto:")


def markdown_files() -> list[Path]:
    """Lists the Markdown files that belong to the repository, without ignored ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).exists()]
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]  # an archive without .git


def relative_links(page: Path) -> Iterator[str]:
    """Yields the targets of the links of a page that stay inside the repository."""
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if not target.startswith(OUTSIDE):
            yield target


def anchors(page: Path) -> set[str]:
    """Computes the anchors that GitHub gives to the headings of a page."""
    found: dict[str, int] = {}
    names = set()
    for line in FENCE.sub("", page.read_text()).splitlines():
        if heading := re.match(r"#{1,6} +(.*)", line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).strip().lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            count = found.get(slug, 0)
            found[slug] = count + 1
            names.add(f"{slug}-{count}" if count else slug)
    return names


def fault(page: Path, target: str) -> str | None:
    """Returns why a link is broken, or None if it is sound."""
    path, _, anchor = target.partition("#")
    destination = (page.parent / path).resolve() if path else page
    if not destination.is_relative_to(ROOT) or not destination.exists():
        return f"no file {path}"
    if anchor and anchor not in anchors(destination):
        return f"no heading #{anchor} in {destination.name}"
    return None


@pytest.mark.parametrize("page", markdown_files(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    faults = [(target, why) for target in relative_links(page) if (why := fault(page, target))]
    assert faults == []


def test_a_broken_link_and_a_broken_anchor_are_found() -> None:
    page = ROOT / "README.md"
    assert fault(page, "docs/nowhere.md") == "no file docs/nowhere.md"
    assert fault(page, "#nowhere") == "no heading #nowhere in README.md"
    assert fault(page, "../outside.md") == "no file ../outside.md"


@pytest.mark.parametrize("page", markdown_files(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_of_the_repository_that_a_page_names_is_there(page: Path) -> None:
    paths = set(PATH.findall(FENCE.sub("", page.read_text()))) - {"models_store/var"}
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
