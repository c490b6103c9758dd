"""The labels of images: from `labels.csv`, or from the folder of each image."""

import csv
import io
from collections.abc import Container, Iterator
from pathlib import PurePosixPath

from domain.json.pointer import pointer
from models_store.datasets.formats.faults import Faults

LABELS = "labels.csv"
MOST_BYTES = 32 << 20
"""The longest `labels.csv`, which is in memory whole."""


def get_folder_label(name: str, faults: Faults) -> str:
    """Returns the name of the folder of an image."""
    folder = PurePosixPath(name).parent.name
    if not folder:
        detail = f"'{name}' lies in no folder. Each class is a folder, or `{LABELS}` has labels."
        faults.add(pointer("files", name), detail)
    return folder


def read_labels(
    content: bytes, folder: str, files: Container[str], faults: Faults
) -> dict[str, str]:
    """Reads the label of each file.

    Args:
        content: The content of `labels.csv`: a header, then the file and the label of each image.
        folder: The folder of `labels.csv`, with a slash at its end, or nothing.
        files: The names of the files in the archive.
        faults: The faults so far.

    Returns:
        The labels by the names of the files in the archive.
    """
    place = pointer("files", f"{folder}{LABELS}")
    rows = _read_rows(content, place, faults)
    header = next(rows, [])
    if len(header) != 2:
        faults.stop(place, f"Line 1 of `{LABELS}` names two columns, e.g. file,label.")
    labels: dict[str, str] = {}
    for line, row in enumerate(rows, 2):
        if not row:
            continue
        if len(row) != 2:
            faults.add(place, f"Line {line} of `{LABELS}` has {len(row)} cells; it has 2.")
            continue
        name = folder + row[0].strip().removeprefix("./")
        fault = _find_fault(name, row[0], line, labels, files)
        if fault is None:
            labels[name] = row[1]
        else:
            faults.add(pointer("files", name) if name not in files else place, fault)
    return labels


def _read_rows(content: bytes, place: str, faults: Faults) -> Iterator[list[str]]:
    """Yields the rows one by one, since many lines are in few bytes of an archive."""
    try:
        text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
        yield from csv.reader(text, strict=True)
    except UnicodeDecodeError:
        faults.stop(place, f"`{LABELS}` is not UTF-8 in line {_find_line(content)}.")
    except csv.Error as error:
        faults.stop(place, f"`{LABELS}` is no CSV: {error}.")


def _find_line(content: bytes) -> int:
    """Returns the first line that is not UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    raise ValueError("the content is UTF-8")


def _find_fault(
    name: str, written: str, line: int, labels: Container[str], files: Container[str]
) -> str | None:
    """Returns the fault of a name in the table; None if there is none."""
    if name not in files:
        return f"`{LABELS}` names '{name}', which the archive does not hold."
    if name in labels:
        return f"Line {line} of `{LABELS}` names '{written}' again."
    return None
