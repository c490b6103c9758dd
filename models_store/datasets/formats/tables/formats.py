"""The formats of tables: their media types and options. The readers import pyarrow."""

from models_store.datasets.formats.format import Format, LazyReader

_PACKAGE = "models_store.datasets.formats.tables"
_COLUMN_OPTIONS = ("dtype", "shape", "vector")
_TEXT_OPTIONS = ("delimiter", "header", "null", "quoted_null", *_COLUMN_OPTIONS)

CSV = Format(
    media_type="text/csv",
    schema={
        "type": "string",
        "format": "binary",
        "description": "Comma-separated values in UTF-8; the first line names the columns.",
    },
    read=LazyReader(f"{_PACKAGE}.csv.read", "read_csv"),
    example="sepal_length,petal_length,species\n5.1,1.4,setosa\n7.0,4.7,versicolor\n",
    options=_TEXT_OPTIONS,
)
TSV = Format(
    media_type="text/tab-separated-values",
    schema={
        "type": "string",
        "format": "binary",
        "description": "Tab-separated values in UTF-8; the first line names the columns.",
    },
    read=LazyReader(f"{_PACKAGE}.csv.read", "read_tsv"),
    example="sepal_length\tspecies\n5.1\tsetosa\n7.0\tversicolor\n",
    options=_TEXT_OPTIONS,
)
PARQUET = Format(
    media_type="application/vnd.apache.parquet",
    schema={"type": "string", "format": "binary", "description": "A Parquet file."},
    read=LazyReader(f"{_PACKAGE}.parquet.read"),
    options=_COLUMN_OPTIONS,
)
ARROW_STREAM = Format(
    media_type="application/vnd.apache.arrow.stream",
    schema={
        "type": "string",
        "format": "binary",
        "description": "A stream of Arrow's record batches (IPC).",
    },
    read=LazyReader(f"{_PACKAGE}.arrow.read", "read_stream"),
    options=_COLUMN_OPTIONS,
)
ARROW_FILE = Format(
    media_type="application/vnd.apache.arrow.file",
    schema={
        "type": "string",
        "format": "binary",
        "description": "A file of Arrow's record batches (IPC, also called Feather 2).",
    },
    read=LazyReader(f"{_PACKAGE}.arrow.read", "read_file"),
    options=_COLUMN_OPTIONS,
)
FORMATS = (CSV, TSV, PARQUET, ARROW_STREAM, ARROW_FILE)
