"""Write the diagrams and tables of docs/explanation/architecture.md from the real imports.

`--check` only says if the page is stale.
"""

import ast
import re
import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
PACKAGES = ("cli", "api", "worker", "application", "models_store", "compiler", "domain")
GENERATED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
Edges = set[tuple[str, str]]


def imports(graph: grimp.ImportGraph, depth: int) -> Edges:
    """Collects the imports between packages, named by the first `depth` parts of their names."""
    edges = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            importer, target = (".".join(name.split(".")[:depth]) for name in (module, imported))
            if importer != target:
                edges.add((importer, target))
    return edges


def reaches(edges: Edges, start: str, end: str) -> bool:
    """Tells whether a way of two or more edges leads from `start` to `end`."""
    seen = {b for a, b in edges if a == start and b != end}
    while more := {b for a, b in edges if a in seen} - seen:
        seen |= more
    return end in seen


def drawn(edges: Edges) -> Edges:
    """Leaves out the edges that follow from others."""
    return {(a, b) for a, b in edges if not reaches(edges, a, b)}


def mermaid(edges: Edges, boxes: list[str]) -> str:
    """Draws boxes, and an arrow from each importer to what it imports."""
    lines = [f'    {box}["{box.split(".")[-1]}/"]' for box in boxes]
    lines += [f"    {a} --> {b}" for a, b in sorted(drawn(edges))]
    return "```mermaid\nflowchart TD\n" + "\n".join(lines) + "\n```\n"


def folders(package: str) -> list[Path]:
    """Lists a top-level package and the packages inside it, parents first."""
    return sorted(path.parent for path in (ROOT / package).rglob("__init__.py"))


def purpose(folder: Path) -> str:
    """Reads the first line of the docstring of a package."""
    module = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    text = ast.get_docstring(module)
    if not text:
        sys.exit(f"{folder.relative_to(ROOT)}/__init__.py needs a docstring")
    return text.splitlines()[0].replace("|", "\\|")


def row(folder: Path) -> str:
    """Writes the table row of one folder."""
    name = folder.relative_to(ROOT)
    return f"| [`{name}/`](../../{name}) | {purpose(folder)} |\n"


def overview(graph: grimp.ImportGraph) -> str:
    """Draws the top-level packages."""
    return mermaid(imports(graph, 1), list(PACKAGES))


def inside(graph: grimp.ImportGraph, package: str) -> str:
    """Draws the folders of one top-level package, and describes each."""
    own = folders(package)
    boxes = [f"{package}.{path.name}" for path in own if path.parent == ROOT / package]
    edges = {(a, b) for a, b in imports(graph, 2) if a in boxes and b in boxes}
    picture = mermaid(edges, boxes) + "\n" if edges else ""
    table = "| folder | what it holds |\n| --- | --- |\n"
    return picture + table + "".join(row(path) for path in own if list(path.glob("[!_]*.py")))


def page(text: str) -> str:
    """Renews what stands between the marks of a page."""
    graph = grimp.build_graph(*PACKAGES)

    def renewed(mark: re.Match[str]) -> str:
        content = overview(graph) if mark[2] == "packages" else inside(graph, mark[2])
        return f"{mark[1]}\n{content}\n{mark[3]}"

    return GENERATED.sub(renewed, text)


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(text), encoding="utf-8")
    elif page(text) != text:
        sys.exit("docs/explanation/architecture.md is stale: run `make format`")


if __name__ == "__main__":
    main()
