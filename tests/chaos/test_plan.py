"""A seed repeats a storm: the same errands, the same blows."""

from itertools import islice

from tests.chaos.faults.faults import BLOWS
from tests.chaos.faults.injector import plan
from tests.chaos.load.scenarios import draw


def test_a_seed_repeats_its_plan() -> None:
    first, again, other = (list(islice(plan(seed, pace=4), 100)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_every_round_has_every_blow() -> None:
    blows = [planned.name for planned in islice(plan(7, pace=4), 3 * len(BLOWS))]
    for start in range(0, len(blows), len(BLOWS)):
        assert set(blows[start : start + len(BLOWS)]) == set(BLOWS)


def test_a_seed_repeats_its_errands() -> None:
    assert draw(7, jobs=50, seeds=2) == draw(7, jobs=50, seeds=2)
    assert draw(7, jobs=50, seeds=2) != draw(8, jobs=50, seeds=2)
    errands = draw(7, jobs=200, seeds=2)
    assert len({errand.key for errand in errands}) == 200
    assert {errand.seed for errand in errands} == {0, 1}
    for act in ("cancel_after", "pause_after"):
        assert 10 < sum(getattr(errand, act) is not None for errand in errands) < 80
