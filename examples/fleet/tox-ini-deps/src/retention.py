"""Which archives to keep."""

from collections.abc import Sequence


def to_delete(archives: Sequence[str], keep: int) -> list[str]:
    """The archives past the newest `keep` ones.

    Args:
        archives: Their names, newest first.
        keep: How many to keep.
    """
    return list(archives[keep:])
