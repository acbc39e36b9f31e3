import retention


def test_keeps_the_newest() -> None:
    assert retention.to_delete(["c", "b", "a"], keep=2) == ["a"]


def test_deletes_nothing_too_early() -> None:
    assert retention.to_delete(["c"], keep=2) == []
