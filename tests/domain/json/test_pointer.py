"""JSON Pointers of faults."""

from domain.json.pointer import pointer, tokens_of


def test_tokens_are_escaped() -> None:
    assert pointer("a/b", 2, "c~d") == "/a~1b/2/c~0d"
    assert tokens_of("/a~1b/2/c~0d") == ["a/b", "2", "c~d"]
