"""Archives of images give the pixels that Pillow decodes, or faults that name the files."""

import io
import tracemalloc
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from domain.errors import Invalid, TooLarge
from domain.formats.read_options import ReadOptions
from models_store.datasets.columns.read import open_column
from models_store.datasets.formats.archive import is_ignored
from models_store.datasets.formats.body import Body
from models_store.datasets.formats.images import picture
from models_store.datasets.formats.images import read as images

Files = dict[str, bytes]
RANDOM = np.random.default_rng(3)


def draw(height: int, width: int, channels: int = 3) -> Any:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return RANDOM.integers(0, 256, shape, np.uint8)


def encode(array: Any, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, form, **options)
    return file.getvalue()


def pack(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def read(files: Files | bytes, folder: Path, limit: int = 1 << 30, **options: Any) -> Body:
    raw = files if isinstance(files, bytes) else pack(files)
    return images.read(io.BytesIO(raw), folder, limit, ReadOptions(**options))


def refuse(files: Files | bytes, folder: Path, **options: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read(files, folder, **options)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


def columns_of(body: Body) -> dict[str, Any]:
    return {
        file.column.name: open_column(file.column.dtype, file.column.shape, file.files).read(
            0, file.rows
        )
        for file in body.columns
    }


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_folders_are_classes(tmp_path: Path, channels: int) -> None:
    pictures = {f"{'cats' if i % 2 else 'dogs'}/é {i}.png": draw(5, 7, channels) for i in range(9)}
    files = {name: encode(array) for name, array in pictures.items()}
    body = read({"cats/": b"", "__MACOSX/cats/a": b"x", **files}, tmp_path)
    found = columns_of(body)
    expected = np.stack(list(pictures.values())).reshape(9, 5, 7, channels)
    assert np.array_equal(found["image"].values, expected)
    assert found["label"].to_list() == [name.split("/")[0] for name in pictures]
    assert found["file"].to_list() == list(pictures)
    assert [(file.column.name, file.column.dtype) for file in body.columns] == [
        ("image", "uint8"), ("label", "string"), ("file", "string"),
    ]  # fmt: skip
    assert body.columns[0].column.std == pytest.approx(expected.std())


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_formats_are_read_as_pillow_reads_them(tmp_path: Path, form: str) -> None:
    content = encode(draw(9, 6), form)
    body = read({"a/1": content}, tmp_path, channels=3)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert np.array_equal(columns_of(body)["image"].values[0], expected)


def test_a_table_has_the_labels(tmp_path: Path) -> None:
    files = {name: encode(draw(2, 2)) for name in ("set/b.png", "set/a.png")}
    table = '\ufefffile,label\r\na.png,"x, y"\r\nb.png,\r\n'.encode()
    found = columns_of(read({"set/labels.csv": table, **files}, tmp_path))
    assert found["file"].to_list() == ["set/b.png", "set/a.png"]
    assert found["label"].to_list() == ["", "x, y"]


def test_sizes_and_channels_are_converted(tmp_path: Path) -> None:
    arrays = [draw(9, 6), draw(4, 4, 1), draw(30, 20, 4)]
    files = {f"a/{index}.png": encode(array) for index, array in enumerate(arrays)}
    found = columns_of(read(files, tmp_path, size="5x3", channels=1))["image"].values
    for array, pixels in zip(arrays, found, strict=True):
        image = Image.fromarray(array).convert("L").resize((3, 5), Image.Resampling.BILINEAR)
        assert np.array_equal(pixels[..., 0], np.asarray(image))


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    array = draw(4, 2, 1)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the left
    found = columns_of(read({"a/1.png": encode(array, exif=exif)}, tmp_path))["image"].values
    assert np.array_equal(found[0, ..., 0], np.rot90(array, -1))


def frames() -> bytes:
    file = io.BytesIO()
    first, second = (Image.fromarray(draw(3, 3, 1)) for _ in range(2))
    first.save(file, "GIF", save_all=True, append_images=[second])
    return file.getvalue()


PICTURE = encode(draw(3, 3))


@pytest.mark.parametrize(
    ("files", "pointer", "detail"),
    [
        ({"a/1.png": PICTURE, "a/2.png": encode(draw(3, 4))}, "/files/a~12.png",
         "'a/2.png' has 3 x 4 pixels (height x width) where 'a/1.png' has 3 x 3"),
        ({"a/1.png": PICTURE, "a/2.png": encode(draw(3, 3, 1))}, "/files/a~12.png",
         "has 1 channels where 'a/1.png' has 3"),
        ({"a/1.png": b"no picture"}, "/files/a~11.png", "is no image that can be read"),
        ({"a/1.png": PICTURE[:50]}, "/files/a~11.png", "is no image that can be read"),
        ({"a/1.png": b""}, "/files/a~11.png", "is no image that can be read"),
        ({"a/1.tif": encode(draw(3, 3), "TIFF")}, "/files/a~11.tif", "is no image that"),
        ({"a/1.png": encode(np.ones((3, 3), np.uint16))}, "/files/a~11.png", "8 bits a channel"),
        ({"a/1.gif": frames()}, "/files/a~11.gif", "has several frames"),
        ({"1.png": PICTURE}, "/files/1.png", "'1.png' lies in no folder"),
        ({"../1.png": PICTURE}, "/files/..~11.png", "is no name of a file inside"),
        ({"/a/1.png": PICTURE}, "/files/~1a~11.png", "is no name of a file inside"),
        ({"C:/1.png": PICTURE}, "/files/C:~11.png", "is no name of a file inside"),
        ({}, "", "holds no images"),
        ({"labels.csv": b"file,label\n"}, "", "holds no images"),
        ({"x.npy": b"1", "y.npy": b"2"}, "", "application/x-npz"),
        ({"labels.csv": b"file,label\n", "1.png": PICTURE}, "/files/1.png", "no label of '1.png'"),
        ({"labels.csv": b"file,label\n1.png,a\n2.png,b\n", "1.png": PICTURE}, "/files/2.png",
         "which the archive does not hold"),
        ({"labels.csv": b"file\n1.png\n", "1.png": PICTURE}, "/files/labels.csv", "Line 1"),
        ({"labels.csv": b"file,label\n1.png,a,b\n", "1.png": PICTURE}, "/files/labels.csv",
         "Line 2 of `labels.csv` has 3 cells"),
        ({"labels.csv": b"file,label\n1.png,a\n1.png,b", "1.png": PICTURE}, "/files/labels.csv",
         "Line 3 of `labels.csv` names '1.png' again"),
        ({"labels.csv": b"file,label\n1.png,\xff\n", "1.png": PICTURE}, "/files/labels.csv",
         "is not UTF-8 in line 2"),
        ({"labels.csv": b"file,label\n", "a/labels.csv": b""}, "/files/a~1labels.csv", "two"),
        (b"", "", "not a complete zip"),
        (pack({"a/1.png": PICTURE})[:-9], "", "not a complete zip"),
        (pack({"a/1.png": PICTURE}, zipfile.ZIP_BZIP2), "/files/a~11.png", "not deflate"),
    ],
)  # fmt: skip
def test_faults_name_the_files(
    tmp_path: Path, files: Files | bytes, pointer: str, detail: str
) -> None:
    assert detail in refuse(files, tmp_path)[pointer]


def test_a_member_without_a_name_is_no_folder() -> None:
    assert not is_ignored(zipfile.ZipInfo(""))  # zipfile writes no such member
    assert is_ignored(zipfile.ZipInfo("a/"))


def test_every_faulty_file_is_named(tmp_path: Path) -> None:
    files = {"a/1.png": PICTURE, "a/2.png": b"x", "a/3.png": encode(draw(1, 1)), "4.png": PICTURE}
    assert refuse(files, tmp_path).keys() == {"/files/a~12.png", "/files/a~13.png", "/files/4.png"}


def test_a_large_picture_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "MOST_PIXELS", 99)
    found = refuse({"a/1.png": encode(draw(10, 10))}, tmp_path)
    assert "has 10 x 10 pixels; at most 99 are read" in found["/files/a~11.png"]


def test_a_forged_header_decodes_nothing(tmp_path: Path) -> None:
    content = bytearray(encode(draw(3, 3)))
    content[16:24] = b"\x00\xff\xff\xff\x00\xff\xff\xff"  # width and height of the PNG
    assert "/files/a~11.png" in refuse({"a/1.png": bytes(content)}, tmp_path)


def test_the_pixels_are_bounded(tmp_path: Path) -> None:
    files = {f"a/{index}.png": encode(np.zeros((100, 100), np.uint8)) for index in range(9)}
    with pytest.raises(TooLarge, match="exceed 50000 bytes"):
        read(files, tmp_path, limit=50_000)


ARCHIVES = {
    form: pack({"a/1": encode(draw(8, 8), form)}, zipfile.ZIP_STORED)
    for form in ("PNG", "JPEG", "WEBP", "BMP", "GIF")
}


@pytest.mark.slow
@settings(max_examples=1_500, deadline=None)
@given(st.data(), st.sampled_from(sorted(ARCHIVES)))
def test_damaged_archives_are_read_or_refused(data: st.DataObject, form: str) -> None:
    raw = bytearray(ARCHIVES[form])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        try:
            body = read(bytes(raw), Path(folder))
        except Invalid:
            return
        assert body.rows == 1


def test_a_file_that_is_longer_than_a_directory_is_read(tmp_path: Path) -> None:
    array = draw(2_500, 2_400)
    content = encode(array, "BMP")
    assert len(content) > images.MOST_DIRECTORY_BYTES
    body = read(pack({"a/1.bmp": content}, zipfile.ZIP_STORED), tmp_path)
    assert np.array_equal(columns_of(body)["image"].values[0], array)


@pytest.mark.slow
@pytest.mark.parametrize("line", [b"\n", b"%d,\n", b'"%d\n\n",x\n'])
def test_a_small_archive_with_many_labels_needs_little_memory(tmp_path: Path, line: bytes) -> None:
    lines = (line % number if b"%d" in line else line for number in range(2_000_000))
    table = b"file,label\n" + b"".join(lines)
    raw = pack({"labels.csv": table, "1.png": PICTURE})
    tracemalloc.start()
    with pytest.raises(Invalid):
        read(raw, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(table) + 1e7
