"""The one error that this package raises of its own accord."""

from __future__ import annotations

from typing import Optional


class CharmproofError(Exception):
    """The ``charmproof`` program could not do what it was asked, or is not there.

    The text is the program's own, where it was started: it says what is wrong, and what
    to do about it.
    """

    exit_code: Optional[int]
    """How the program ended; ``None`` where it was not started, or its answer is unreadable."""

    def __init__(self, message: str, *, exit_code: Optional[int] = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
