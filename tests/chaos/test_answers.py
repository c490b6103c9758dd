"""Which answers of the API are right during a fault-injection run, and which are wrong."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.cluster.part import Part, Run
from tests.chaos.cluster.timeline import Timeline
from tests.chaos.load.answers import PROBLEM, Answer, Circumstances, error_in


@pytest.fixture
def circumstances(tmp_path: Path) -> Circumstances:
    """An API that was killed at 100 s and served again at 110 s; a disk full from 200 to 205 s."""
    api = Part("api-0", ["api"], {}, tmp_path, Timeline(is_printed=False), port=1)
    api.runs = [
        Run(began=0, serving=5, signalled=100, ended=100.2, status=-9),
        Run(began=101, serving=110),
    ]
    return Circumstances(full=[(200, 205)], apis={api.name: api})


def answer(status: int | None, at: float = 50, **fields: Any) -> Answer:
    values = {"media_type": PROBLEM if (status or 0) >= 400 else "application/json", **fields}
    return Answer(
        since=at, until=at + 1, api="api-0", request="GET /v1/jobs", status=status, **values
    )


@pytest.mark.parametrize(
    "fine",
    [
        answer(200),
        answer(202),
        answer(204),
        answer(304),
        answer(409),
        answer(503, retry_after="1"),
        answer(507, at=203),
        answer(507, at=206),
        answer(None, at=99.5),
        answer(None, at=105),
    ],
    ids=str,
)
def test_right_answers_have_no_error(fine: Answer, circumstances: Circumstances) -> None:
    assert error_in(fine, circumstances) is None


@pytest.mark.parametrize(
    "wrong",
    [
        answer(500),
        answer(404),
        answer(422),
        answer(503),
        answer(503, retry_after="1", media_type="text/plain"),
        answer(409, media_type="application/json"),
        answer(507),
        answer(507, at=190),
        answer(507, at=208),
        answer(None),
        answer(None, at=120),
    ],
    ids=str,
)
def test_wrong_answers_have_an_error(wrong: Answer, circumstances: Circumstances) -> None:
    assert error_in(wrong, circumstances)


def test_a_second_delete_finds_nothing(circumstances: Circumstances) -> None:
    again = Answer(50, 51, "api-0", "DELETE /v1/datasets/dataset_1", 404, PROBLEM)
    assert error_in(again, circumstances) is None


def test_a_job_may_have_no_report(circumstances: Circumstances) -> None:
    asked = Answer(50, 51, "api-0", "GET /v1/jobs/job_1/report", 404, PROBLEM)
    assert error_in(asked, circumstances) is None
    assert error_in(replace(asked, request="GET /v1/jobs/job_1"), circumstances)
