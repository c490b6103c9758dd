"""The format Parquet, read by pyarrow."""

from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from pyarrow import parquet

from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from models_store.datasets.formats.body import Body, Source
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.spool import spool
from models_store.datasets.formats.tables.ahead import reading_ahead
from models_store.datasets.formats.tables.errors import read_batches, stop_at_damage
from models_store.datasets.formats.tables.parquet.batches import plan_batches
from models_store.datasets.formats.tables.parquet.footer import LIMITS, check_footer
from models_store.datasets.formats.tables.plan import check_names, plan_columns
from models_store.datasets.formats.tables.table import TableWriter

DAMAGED = "The body is not a complete Parquet file."


def read(source: Source, folder: Path, limit: int, options: ReadOptions = DEFAULT_OPTIONS) -> Body:
    """Reads a Parquet file, some rows of all columns at a time.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Upper bound on the bytes of all arrays.
        options: How the body is read.

    Raises:
        Invalid: The body is no Parquet file, or a column cannot be stored; lists every fault found.
        TooLarge: The arrays exceed `limit`.
    """
    faults = Faults()
    path = folder / "body.parquet"
    spool(source, path)
    check_footer(path, DAMAGED, faults)
    body = _read_file(path, folder, limit, options, faults)
    path.unlink()
    return body


def _read_file(path: Path, folder: Path, limit: int, options: ReadOptions, faults: Faults) -> Body:
    with stop_at_damage(faults, DAMAGED), parquet.ParquetFile(path, **LIMITS) as file:
        schema = file.schema_arrow
        check_names(schema.names, faults)
        columns = plan_columns(schema.names, schema.types, options, faults)
        plan = plan_batches(path, file.metadata, schema, limit, faults)
    with ExitStack() as stack:
        with stop_at_damage(faults, DAMAGED):
            file = stack.enter_context(
                parquet.ParquetFile(
                    path, memory_map=True, read_dictionary=plan.by_dictionary, **LIMITS
                )
            )
        table = stack.enter_context(TableWriter(columns, folder, limit, faults))
        checked = map(_check_indices, file.iter_batches(plan.rows))
        batches = stack.enter_context(reading_ahead(checked))
        for batch in read_batches(batches, faults, DAMAGED):
            table.append(batch.columns)
        return table.finish()


def _check_indices(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Returns a batch whose indices into dictionaries have been checked, which pyarrow does not.

    Raises:
        ArrowInvalid: An index is beyond its dictionary.
    """
    for column in batch.columns:
        if pt.is_dictionary(column.type):
            bounds = pc.min_max(column.indices).as_py()
            is_empty = bounds["min"] is None
            if not is_empty and not 0 <= bounds["min"] <= bounds["max"] < len(column.dictionary):
                raise pa.ArrowInvalid("an index is beyond its dictionary")
    return batch
