"""A seed repeats a run: it draws the same scenarios and the same faults."""

from itertools import islice

from tests.chaos.faults.faults import FAULTS
from tests.chaos.faults.injector import plan
from tests.chaos.load.scenarios import draw


def test_a_seed_repeats_its_plan() -> None:
    first, again, other = (list(islice(plan(seed, pace=4), 100)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_every_round_has_every_fault() -> None:
    faults = [planned.name for planned in islice(plan(7, pace=4), 3 * len(FAULTS))]
    for start in range(0, len(faults), len(FAULTS)):
        assert set(faults[start : start + len(FAULTS)]) == set(FAULTS)


def test_a_seed_repeats_its_scenarios() -> None:
    assert draw(7, jobs=50, seeds=2) == draw(7, jobs=50, seeds=2)
    assert draw(7, jobs=50, seeds=2) != draw(8, jobs=50, seeds=2)
    scenarios = draw(7, jobs=200, seeds=2)
    assert len({scenario.key for scenario in scenarios}) == 200
    assert {scenario.seed for scenario in scenarios} == {0, 1}
    for action in ("cancel_after", "pause_after"):
        assert 10 < sum(getattr(scenario, action) is not None for scenario in scenarios) < 80
