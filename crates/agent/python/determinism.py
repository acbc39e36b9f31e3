"""Time and chance of a charm are the agent's: the same life is the same life again.

Sleeping takes next to no time, and the clocks that Python offers move on by what was slept.
`datetime` reads the clock of the system and is left alone, as other modules compare its type.
"""

from __future__ import annotations

import os
import queue  # noqa: F401  These keep the real clocks, for real waiting.
import random
import selectors  # noqa: F401
import subprocess  # noqa: F401
import tempfile  # noqa: F401
import threading  # noqa: F401
import time

_NANOSECONDS = 1_000_000_000
_TICK_NS = 1000
"""What each look at a clock takes, so that no loop waits for it in vain."""
_SLEPT_REALLY_S = 0.0002
"""A process that somebody waits for has to be given the chance to run."""

_real_sleep = time.sleep
_passed_ns = 0
_began_ns = 0
_source = random.Random(0)


def install() -> None:
    """Replace clocks and chance. To be called before the charm is imported, which may keep them."""
    time.sleep = _sleep
    time.time_ns = _time_ns
    time.time = _time
    time.monotonic_ns = _monotonic_ns
    time.monotonic = _monotonic
    # uuid4, secrets and tempfile all ask one of these two.
    os.urandom = _urandom
    random._urandom = _urandom


def begin(seed: int, clock_s: int) -> None:
    """Let time begin at `clock_s`, in seconds since 1970, and chance at `seed`."""
    global _passed_ns, _began_ns
    _passed_ns = 0
    _began_ns = clock_s * _NANOSECONDS
    random.seed(seed)
    _source.seed(seed ^ 0x5EED)


def _sleep(seconds: float) -> None:
    global _passed_ns
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    _passed_ns += int(seconds * _NANOSECONDS)
    _real_sleep(min(seconds, _SLEPT_REALLY_S))


def _monotonic_ns() -> int:
    global _passed_ns
    _passed_ns += _TICK_NS
    return _passed_ns


def _monotonic() -> float:
    return _monotonic_ns() / _NANOSECONDS


def _time_ns() -> int:
    return _began_ns + _monotonic_ns()


def _time() -> float:
    return _time_ns() / _NANOSECONDS


def _urandom(size: int) -> bytes:
    return _source.getrandbits(8 * size).to_bytes(size, "little") if size else b""
