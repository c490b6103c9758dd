"""Reads a zip archive of images into the columns `image`, `label` and `file`."""

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from domain.errors import TooLarge
from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from domain.json.pointer import pointer
from models_store.datasets.columns.npy import BLOCK_BYTES, Array
from models_store.datasets.columns.writer import NumberWriter, TextWriter
from models_store.datasets.formats.archive import (
    DamagedArchive,
    Member,
    is_ignored,
    is_readable,
    open_body,
)
from models_store.datasets.formats.body import Body, Source
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.images.labels import (
    LABELS,
    MOST_BYTES,
    get_folder_label,
    read_labels,
)
from models_store.datasets.formats.images.picture import NoImage, Wanted, decode
from models_store.datasets.formats.spool import spool

MOST_DIRECTORY_BYTES = 16 << 20
"""The longest directory of an archive: about 200,000 images."""
MOST_FILE_BYTES = 64 << 20
"""The longest file of an image, which is in memory whole."""
BATCH = 1024
"""Texts that are written at once."""


def read(source: Source, folder: Path, limit: int, options: ReadOptions = DEFAULT_OPTIONS) -> Body:
    """Reads an archive of images, one image at a time.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Upper bound on the bytes of all pixels.
        options: Size and channels of the images.

    Raises:
        Invalid: The archive breaks a rule; lists every fault found.
        TooLarge: The pixels exceed `limit`.
    """
    faults = Faults()
    damage = "The body is not a complete zip archive."
    path = folder / "body.zip"
    spool(source, path)
    with open_body(path, faults, damage, MOST_DIRECTORY_BYTES) as archive:
        return _Reader(archive, folder, limit, options, faults).read()


class _Row(NamedTuple):
    file: str
    label: str
    pixels: Array


class _Reader:
    def __init__(
        self,
        archive: zipfile.ZipFile,
        folder: Path,
        limit: int,
        options: ReadOptions,
        faults: Faults,
    ) -> None:
        self._archive = archive
        self._limit = limit
        self._faults = faults
        size = None if options.size is None else options.size.split("x")
        self._wanted = Wanted(
            None if size is None else (int(size[0]), int(size[1])), options.channels
        )
        self._pixels = NumberWriter(folder / "0.npy", np.dtype(np.uint8))
        self._labels = TextWriter(folder / "1.npy")
        self._files = TextWriter(folder / "2.npy")
        self._first: tuple[str, tuple[int, ...]] | None = None
        """The first image, and its shape, which all others must have."""

    def read(self) -> Body:
        members = self._list_members()
        labels = self._read_labels(members)
        self._check_directory(members, labels)
        batch: list[_Row] = []
        for name, array in self._read_images(members):
            label = get_folder_label(name, self._faults) if labels is None else labels[name]
            batch.append(_Row(name, label, array))
            if len(batch) * array.nbytes >= BLOCK_BYTES or len(batch) >= BATCH:
                self._append(batch)
        self._append(batch)
        self._faults.check()
        assert self._first is not None, "the archive has an image"
        shape = self._first[1]
        return Body(
            None,
            [
                self._pixels.finish("image", shape),
                self._labels.finish("label", ()),
                self._files.finish("file", ()),
            ],
        )

    def _append(self, batch: "list[_Row]") -> None:
        if batch:
            self._pixels.append(np.concatenate([row.pixels.reshape(-1) for row in batch]))
            self._labels.append_texts([row.label for row in batch])
            self._files.append_texts([row.file for row in batch])
            batch.clear()

    def _list_members(self) -> dict[str, zipfile.ZipInfo]:
        """Returns the files of the archive by name; adds a fault for each that cannot be read."""
        found: dict[str, zipfile.ZipInfo] = {}
        for member in self._archive.infolist():
            if is_ignored(member):
                continue
            name = member.filename
            fault = _find_fault(member)
            if name in found:
                fault = "appears twice"
            if fault:
                self._faults.add(pointer("files", name), f"'{name}' {fault}.")
            found[name] = member
        self._faults.check()
        if found and all(name.endswith(".npy") for name in found):
            self._faults.stop(
                "", "The archive holds .npy arrays; send it as Content-Type application/x-npz."
            )
        return found

    def _read_labels(self, members: dict[str, zipfile.ZipInfo]) -> dict[str, str] | None:
        """Takes `labels.csv` out of the members and reads it; None if there is none."""
        names = [name for name in members if PurePosixPath(name).name == LABELS]
        if not names:
            return None
        if len(names) > 1:
            self._faults.stop(pointer("files", names[1]), f"The archive has two `{LABELS}`.")
        try:
            content = self._read_file(members.pop(names[0]), MOST_BYTES)
        except NoImage as too_long:
            self._faults.stop(pointer("files", names[0]), f"`{LABELS}` {too_long.detail}.")
        return read_labels(content, names[0].removesuffix(LABELS), members, self._faults)

    def _check_directory(
        self, members: dict[str, zipfile.ZipInfo], labels: dict[str, str] | None
    ) -> None:
        if not members:
            self._faults.stop("", "The archive holds no images.")
        if labels is not None:
            for name in [name for name in members if name not in labels]:
                self._faults.add(pointer("files", name), f"`{LABELS}` has no label of '{name}'.")
        self._faults.check()

    def _read_images(self, members: dict[str, zipfile.ZipInfo]) -> Iterator[tuple[str, Array]]:
        """Yields the name and the pixels of each image; adds a fault for each that has one."""
        total = 0
        for name, member in members.items():
            try:
                array = decode(self._read_file(member, MOST_FILE_BYTES), self._wanted)
                self._check_shape(name, array.shape)
            except NoImage as no_image:
                self._faults.add(pointer("files", name), f"'{name}' {no_image.detail}.")
                continue
            total += array.nbytes
            if total > self._limit:
                raise TooLarge(f"The pixels of the images would exceed {self._limit} bytes.")
            yield name, array

    def _read_file(self, member: zipfile.ZipInfo, most: int) -> bytes:
        """Reads a file whole.

        Raises:
            NoImage: It is too long or damaged.
        """
        try:
            content = Member(self._archive, member).read(most + 1)
        except DamagedArchive:
            self._faults.stop(pointer("files", member.filename), f"'{member.filename}' is damaged.")
        if len(content) > most:
            raise NoImage(f"is longer than {most} bytes")
        return content

    def _check_shape(self, name: str, shape: tuple[int, ...]) -> None:
        if self._first is None:
            self._first = name, shape
            if math.prod(shape) == 0:
                raise NoImage("has no pixels")
        first, expected = self._first
        if shape[:2] != expected[:2]:
            raise NoImage(
                f"has {shape[0]} x {shape[1]} pixels (height x width) where '{first}' has "
                f"{expected[0]} x {expected[1]}; ?size=28x28 resizes all images to one size"
            )
        if shape != expected:
            raise NoImage(
                f"has {shape[2]} channels where '{first}' has {expected[2]}; ?channels=3 converts "
                "all images"
            )


def _find_fault(member: zipfile.ZipInfo) -> str | None:
    """Returns why a member cannot be taken, as a predicate; None if it can."""
    name = member.filename
    parts = name.split("/")
    if not name or ".." in parts or name.startswith("/") or "\\" in name or ":" in parts[0]:
        return "is no name of a file inside the archive"
    if not is_readable(member):
        return "is encrypted, or its compression is not deflate"
    if not name.isprintable():
        return "has characters in its name that cannot be printed"
    return None
