"""Results of checks: found by equal calls, and bounded."""

from application.children.results import Results, hash_call


def test_a_result_is_found_by_an_equal_call() -> None:
    results = Results()
    results.store(hash_call("f", "1"), "one")
    assert results.find(hash_call("f", "1")) == "one"
    assert results.find(hash_call("f", "2")) is None
    assert results.find(hash_call("g", "1")) is None


def test_the_least_recently_used_results_are_forgotten() -> None:
    results = Results(most_bytes=10)
    results.store("a", "x" * 4)
    results.store("b", "x" * 4)
    assert results.find("a") is not None
    results.store("c", "x" * 4)
    assert [results.find(key) is not None for key in "abc"] == [True, False, True]
    results.store("c", "y" * 10)
    assert [results.find(key) for key in "abc"] == [None, None, "y" * 10]
    results.store("d", "x" * 11)
    assert [results.find(key) for key in "abcd"] == [None] * 4
