"""The format of a zip archive of images, whose reader is imported at its first use."""

from models_store.datasets.formats.format import Format, LazyReader

IMAGES = Format(
    media_type="application/zip",
    schema={
        "type": "string",
        "format": "binary",
        "description": "An archive of images in one folder a class, or with a `labels.csv` whose "
        "first column names the file. The columns are `image`, `label` and `file`.",
    },
    read=LazyReader("models_store.datasets.formats.images.read"),
    options=("size", "channels"),
)
