"""Names of numbers that JSON cannot express."""

import math

from domain.json.non_finite import NON_FINITE_NAMES, name_non_finite


def test_each_number_has_its_name() -> None:
    names = [name_non_finite(number) for number in (math.nan, math.inf, -math.inf)]
    assert names == list(NON_FINITE_NAMES)
