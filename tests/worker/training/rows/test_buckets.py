import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worker.training.rows.buckets import order_by_length


@given(st.lists(st.integers(0, 50), min_size=1, max_size=300), st.integers(1, 9), st.booleans())
def test_every_example_is_used_once_and_batches_have_like_lengths(
    numbers: list[int], batch_size: int, shuffle: bool
) -> None:
    lengths = np.array(numbers, np.int64)
    order = np.random.default_rng(1).permutation(len(lengths))
    found = order_by_length(order, lengths, batch_size, 1, 0, shuffle=shuffle)
    assert sorted(found.tolist()) == list(range(len(lengths)))

    def padding(rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> int:
        batches = [lengths[rows[i : i + batch_size]] for i in range(0, len(rows), batch_size)]
        return sum(int(batch.max() * len(batch) - batch.sum()) for batch in batches)

    whole = len(order) // batch_size * batch_size
    assert padding(found[:whole]) <= padding(order[:whole]) or len(order) > whole


def test_seed_and_epoch_decide_the_order() -> None:
    lengths = np.random.default_rng(0).integers(1, 40, 500)
    order = np.arange(500)

    def list_order(seed: int, epoch: int) -> list[int]:
        return order_by_length(order, lengths, 16, seed, epoch, shuffle=True).tolist()

    assert list_order(1, 2) == list_order(1, 2)
    assert list_order(1, 2) != list_order(1, 3)
    assert list_order(1, 2) != list_order(2, 2)
