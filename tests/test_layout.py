"""The layout of the repository: sizes of folders, docstrings of packages, places of tests."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "compiler", "models_store", "application", "api", "worker", "cli")
MOST_MODULES = 16
"""Modules in one folder, `__init__` not counted."""
MIGRATIONS = ROOT / "models_store/database/migrations"
TEST_HELPERS = {"compiler/random_graphs"}
"""Folders of tests that mirror no source folder: their tests cover a whole package."""


def folders(top: Path) -> list[Path]:
    """Every folder below and including `top` that holds Python modules."""
    found = {path.parent for path in top.rglob("*.py") if "__pycache__" not in path.parts}
    return sorted(found)


def modules(folder: Path) -> list[Path]:
    """The folder's modules: tests, conftest and `__init__` are not counted."""
    names = sorted(folder.glob("*.py"))
    skipped = ("__init__", "__main__", "conftest")
    return [p for p in names if p.stem not in skipped and not p.stem.startswith("test_")]


SOURCE = [
    folder
    for package in PACKAGES
    for folder in folders(ROOT / package)
    if not folder.is_relative_to(MIGRATIONS) and "var" not in folder.parts
]


def is_source(path: Path) -> bool:
    """Whether the path is a folder or, without its suffix, a module."""
    return path.is_dir() or path.with_suffix(".py").is_file()


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder", [*SOURCE, *folders(ROOT / "tests")], ids=name)
def test_a_folder_holds_a_readable_number_of_modules(folder: Path) -> None:
    assert len(modules(folder)) <= MOST_MODULES


@pytest.mark.parametrize("folder", SOURCE, ids=name)
def test_a_package_has_a_docstring(folder: Path) -> None:
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))


def test_folders_of_tests_mirror_source_folders() -> None:
    tests = [ROOT / "tests" / package for package in PACKAGES]
    tested = {f.relative_to(ROOT / "tests") for top in tests for f in folders(top)}
    mirrored = {
        f for f in tested if not any(f.as_posix().startswith(helper) for helper in TEST_HELPERS)
    }
    assert [f.as_posix() for f in sorted(mirrored) if not is_source(ROOT / f)] == []
