"""What all tests share: where the program and the charms are."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Iterator, List

import pytest

HERE = Path(__file__).parent
for folder in ("", "charms/probe/src", "charms/web/src"):
    sys.path.insert(0, str(HERE / folder))


@pytest.fixture
def seen() -> Iterator["List[Seen]"]:
    """What the charm `probe` sees in this test."""
    SEEN.clear()
    yield SEEN
    SEEN.clear()


def pytest_sessionstart() -> None:
    """Refuse to run without the program that the tests are about."""
    binary = os.environ.get("CHARMPROOF_BINARY")
    if not binary or not Path(binary).is_file():
        raise pytest.UsageError(
            "the environment variable CHARMPROOF_BINARY has to name the charmproof program"
            " that was just built, as `make test` sees to"
        )


from probe import SEEN, Seen  # noqa: E402
