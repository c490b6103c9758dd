"""The formats CSV and TSV, read by pyarrow."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.types as pt
from pyarrow import csv

from domain.dtype import TEXT
from domain.formats.read_options import ReadOptions
from domain.json.pointer import pointer
from models_store.datasets.formats.body import Body, Source
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.spool import spool
from models_store.datasets.formats.tables.ahead import reading_ahead
from models_store.datasets.formats.tables.csv.batches import join_batches
from models_store.datasets.formats.tables.csv.inference import ColumnCells, Wanted
from models_store.datasets.formats.tables.csv.records import (
    MOST_LINE_BYTES,
    MOST_ROW_FAULTS,
    TOO_LONG,
    add_ragged_rows,
    find_line,
    looks_like_values,
    read_header,
    read_records,
)
from models_store.datasets.formats.tables.csv.text import TextScan
from models_store.datasets.formats.tables.nested import RowFault
from models_store.datasets.formats.tables.plan import check_names, group_columns, plan_columns
from models_store.datasets.formats.tables.table import TableWriter

TRUE = ["true", "True", "TRUE"]
FALSE = ["false", "False", "FALSE"]
Types = Mapping[str, pa.DataType]
FIRST_BYTES = 1 << 20
"""Bytes of the block whose cells show the likely types."""
LEAST_BLOCK_BYTES = 1 << 19
"""Bytes that pyarrow parses at once. It takes half as long as for 4 MiB, which no cache holds."""
COLUMN_BLOCK_BYTES = 1 << 14
"""The same for each column, since each column of a block takes some time."""
FIRST, SECOND = "first", "second"
"""Folders of the columns, by the attempt that wrote them."""


def read_csv(source: Source, folder: Path, limit: int, options: ReadOptions) -> Body:
    """Reads comma-separated values.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Unused: the size of a text bounds the size of its columns.
        options: How the body is read.

    Raises:
        Invalid: The body is no CSV, or its cells do not fit; lists every fault found.
    """
    return _Reader(folder, options, ",").read(source)


def read_tsv(source: Source, folder: Path, limit: int, options: ReadOptions) -> Body:
    """Reads tab-separated values; see `read_csv`."""
    return _Reader(folder, options, "\t").read(source)


class _Reader:
    def __init__(self, folder: Path, options: ReadOptions, delimiter: str) -> None:
        self._folder = folder
        self._path = folder / "body.csv"
        self._options = options
        self._delimiter = options.delimiter or delimiter
        self._has_header = options.header is not False
        self._faults = Faults()
        self._scan = TextScan(self._delimiter, self._faults)
        self._names: list[str] = []
        self._header_lines = 0
        self._dtypes: dict[str, str] = {}
        """The dtypes that the client gave, by column of the table."""
        self._described = 0
        self._block_bytes = LEAST_BLOCK_BYTES

    def read(self, source: Source) -> Body:
        spool(source, self._path, self._scan.add)
        self._scan.finish()
        self._check_quotes()
        self._read_header()
        try:
            body = self._read_in_blocks()
        except pa.ArrowInvalid as error:
            self._refuse(error)
        self._path.unlink()
        return body

    def _check_quotes(self) -> None:
        if self._scan.quotes % 2:
            for _ in read_records(self._path, self._delimiter, self._faults, is_strict=True):
                pass

    def _read_header(self) -> None:
        self._names, self._header_lines = read_header(
            self._path, self._delimiter, self._faults, has_header=self._has_header
        )
        check_names(self._names, self._faults)
        if self._options.header is None and looks_like_values(self._names):
            detail = "The first line holds numbers where the names of the columns belong."
            advice = "If there is no such line, add `header=false`; if these are names, `true`."
            self._faults.stop("/columns", f"{detail} {advice}")
        groups = group_columns(self._names, self._options, self._faults)
        for name, dtype in self._options.dtype.items():
            self._dtypes |= {self._names[place]: dtype for place in groups[name]}

    def _read_in_blocks(self) -> Body:
        """Reads the columns in small blocks; if a line does not fit one, again in large blocks."""
        wanted = max(LEAST_BLOCK_BYTES, len(self._names) * COLUMN_BLOCK_BYTES)
        self._block_bytes = min(wanted, MOST_LINE_BYTES)
        try:
            return self._read_table()
        except pa.ArrowInvalid as error:
            if self._block_bytes == MOST_LINE_BYTES or "straddling" not in str(error):
                raise
        for attempt in (FIRST, SECOND):
            shutil.rmtree(self._folder / attempt, ignore_errors=True)
        self._faults, self._described, self._block_bytes = Faults(), 0, MOST_LINE_BYTES
        return self._read_table()

    def _read_table(self) -> Body:
        """Reads the columns with the types of the first block; if these are wrong, once more."""
        types = self._guess_types()
        unsure = [name for name, kind in types.items() if self._is_unsure(name, kind)]
        body = None if unsure else self._try_types(types)
        if body is not None:
            unsure = self._find_unsure(body)
            if not unsure:
                return body
        elif not unsure:
            unsure = [name for name, kind in types.items() if not pt.is_string(kind)]
        inferred = {**types, **self._infer_types(unsure)}
        if body is not None and inferred == types:
            return body
        shutil.rmtree(self._folder / FIRST, ignore_errors=True)
        return self._read_as(inferred, self._folder / SECOND)

    def _try_types(self, types: Types) -> Body | None:
        """Reads the columns; returns None if a cell does not have the type of its column."""
        try:
            return self._read_as(types, self._folder / FIRST)
        except pa.ArrowInvalid as error:
            if "conversion error" in str(error):
                return None
            raise

    def _is_unsure(self, name: str, kind: pa.DataType) -> bool:
        """Whether all cells must be looked at before a column can have a type."""
        is_number = pt.is_integer(kind) or (pt.is_floating(kind) and name not in self._dtypes)
        return bool(pt.is_null(kind) or (self._scan.has_leading_zeros and is_number))

    def _find_unsure(self, body: Body) -> list[str]:
        """Returns the columns of the table with numbers that float64 may not hold."""
        groups = group_columns(self._names, self._options, self._faults)
        return [
            self._names[place]
            for file in body.columns
            if "float" in file.column.dtype
            and (file.column.not_finite or not file.column.lies_in(-(2**63) + 1, 2**63 - 1))
            for place in groups[file.column.name]
        ]

    def _guess_types(self) -> dict[str, pa.DataType]:
        """Returns the types of the cells of the first block."""
        with self._open({}, None, max(FIRST_BYTES, self._block_bytes)) as reader:
            types = dict(zip(reader.schema.names, reader.schema.types, strict=True))
        return {name: self._choose_type(name, kind) for name, kind in types.items()}

    def _choose_type(self, name: str, guess: pa.DataType) -> pa.DataType:
        dtype = self._dtypes.get(name)
        if dtype == TEXT:
            return pa.string()
        if dtype is None:
            is_kept = pt.is_null(guess) or pt.is_boolean(guess) or pt.is_primitive(guess)
            is_time = pt.is_date(guess) or pt.is_time(guess) or pt.is_timestamp(guess)
            return guess if is_kept and not is_time else pa.string()
        if "float" in dtype:
            return pa.float64()
        if dtype == "uint64":
            return pa.uint64()
        return guess if pt.is_floating(guess) or pt.is_boolean(guess) else pa.int64()

    @contextmanager
    def _reading(
        self, types: Types, names: Sequence[str] | None
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        """Gives the rows of columns; the next ones are parsed in a thread."""
        with (
            self._open(types, names, self._block_bytes) as reader,
            reading_ahead(join_batches(reader)) as batches,
        ):
            yield batches

    def _open(
        self, types: Types, names: Sequence[str] | None, block_size: int
    ) -> csv.CSVStreamingReader:
        return csv.open_csv(
            str(self._path),
            csv.ReadOptions(
                column_names=self._names,
                skip_rows_after_names=self._header_lines,
                block_size=block_size,
            ),
            csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=self._scan.quotes > 0),
            csv.ConvertOptions(
                column_types=types,
                include_columns=names,
                null_values=self._options.null_texts,
                strings_can_be_null=True,
                quoted_strings_can_be_null=self._options.quoted_null is not False,
                true_values=TRUE,
                false_values=FALSE,
                check_utf8=False,
            ),
        )

    def _read_as(self, types: Types, folder: Path) -> Body:
        """Reads the body into columns of these types."""
        folder.mkdir()
        columns = plan_columns(
            self._names, [types[name] for name in self._names], self._options, self._faults
        )
        with (
            self._reading(types, None) as batches,
            TableWriter(columns, folder, None, self._faults, self._describe_row) as table,
        ):
            for batch in batches:
                table.append(batch.columns)
            return table.finish()

    def _infer_types(self, names: Sequence[str]) -> dict[str, pa.DataType]:
        """Returns the types of columns by all of their cells.

        Raises:
            Invalid: A cell does not fit the dtype of its column.
        """
        zeros = self._scan.has_leading_zeros
        columns = {
            name: ColumnCells(Wanted(self._dtypes.get(name)), may_have_zeros=zeros)
            for name in names
        }
        row = 0
        with self._reading(dict.fromkeys(names, pa.string()), list(names)) as batches:
            for batch in batches:
                for name, cells in zip(names, batch.columns, strict=True):
                    columns[name].add(cells, row)
                row += len(batch)
        found = {name: self._decide(name, columns[name]) for name in names}
        self._faults.check()
        return {name: kind for name, kind in found.items() if kind is not None}

    def _decide(self, name: str, cells: ColumnCells) -> pa.DataType | None:
        try:
            return cells.decide(name)
        except RowFault as fault:
            place = self._describe_row(fault.row)
            detail = f"Column '{name}', {place}: {fault.detail}"
            self._faults.add(pointer("columns", name, fault.row), detail)
            return None

    def _describe_row(self, row: int) -> str:
        self._described += 1
        if self._described > MOST_ROW_FAULTS:  # the search for a line reads the whole text
            return f"row {row}"
        line = find_line(self._path, self._delimiter, row, has_header=self._has_header)
        return f"line {line} (row {row})"

    def _refuse(self, error: pa.ArrowInvalid) -> None:
        """Raises the faults of a body that pyarrow does not read."""
        add_ragged_rows(
            self._path, self._delimiter, len(self._names), self._faults, has_header=self._has_header
        )
        self._faults.check()
        if "straddling" in str(error):
            self._faults.stop("", f"A line {TOO_LONG}")
        self._faults.stop("", "The body is no CSV: its quotes or line breaks are wrong.")
