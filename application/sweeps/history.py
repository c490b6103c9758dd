"""Reads the trials of a sweep as Optuna needs them."""

from typing import Any

from sqlalchemy import Connection, Row

from domain.sweeps.epochs import find_most_epochs
from domain.sweeps.request import SweepRequest
from domain.sweeps.study import PastTrial, Study
from domain.sweeps.sweep import TrialState
from models_store.sweeps import trials


def load_study(connection: Connection, row: Row[Any], request: SweepRequest) -> Study:
    """Returns a sweep with all of its trials so far.

    Args:
        connection: A transaction.
        row: The row of the sweep.
        request: Its parsed request.
    """
    past = [convert_row(trial) for trial in trials.list_rows(connection, row.id)]
    return Study(request, row.seed, find_most_epochs(request), past)


def convert_row(row: Row[Any]) -> PastTrial:
    """Converts the row of a trial."""
    return PastTrial(
        state=TrialState(row.state),
        suggestion=row.suggestion,
        value=row.value,
        epoch=row.epoch,
        attributes=row.attributes,
    )
