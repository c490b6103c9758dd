"""Refuses a breaking change of `openapi/openapi.json` without a step of the version.

`python -m api.compare_openapi` compares it with that of the last tag `v...`, or with
`openapi/baseline.json` if the clone has no tags. `--accept` makes it the baseline, for a release.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from api.openapi.compatibility import find_breaking_changes

ROOT = Path(__file__).parents[1]
FILE = "openapi/openapi.json"
BASELINE = ROOT / "openapi" / "baseline.json"
ADVICE = "Clients of version {old} would break: step the version, or keep the contract."


def main(arguments: list[str]) -> int:
    """Compares the documents, or accepts the present one."""
    present = (ROOT / FILE).read_text(encoding="utf-8")
    if "--accept" in arguments:
        BASELINE.write_text(present, encoding="utf-8")
        return 0
    faults = check(json.loads(_read_tagged() or BASELINE.read_text("utf-8")), json.loads(present))
    sys.stderr.write("".join(f"{line}\n" for line in faults))
    return 1 if faults else 0


def check(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns the breaking changes if the version has no step for them, else nothing."""
    versions = old["info"]["version"], new["info"]["version"]
    if is_breaking_step(*versions):
        return []
    faults = find_breaking_changes(old, new)
    return [*faults, ADVICE.format(old=versions[0])] if faults else []


def is_breaking_step(old: str, new: str) -> bool:
    """Returns whether a version may break clients of an older one, by Semantic Versioning.

    Below 1.0.0 a step of the second number is enough.
    """
    before, after = (tuple(int(part) for part in text.split(".")[:2]) for text in (old, new))
    return after > before if before[0] == 0 else after[0] > before[0]


def _read_tagged() -> str | None:
    """Returns the document of the last release; None if there is no tag, or no git."""
    tag = _run_git("describe", "--tags", "--abbrev=0", "--match", "v*")
    return _run_git("show", f"{tag}:{FILE}") if tag else None


def _run_git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
