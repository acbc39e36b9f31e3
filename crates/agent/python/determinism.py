"""Time and chance of a charm are the agent's: the same life is the same life again.

Sleeping takes next to no time, and the clocks that Python offers move on by what was slept.
`datetime` reads the clock of the system and is left alone, as other modules compare its type.
"""

from __future__ import annotations

import functools
import importlib.machinery
import os
import queue  # noqa: F401  These keep the real clocks, for real waiting.
import random
import selectors  # noqa: F401
import subprocess  # noqa: F401
import sys
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
_began = (0, 0)
_told = None


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
    sys.meta_path.insert(0, _AtHook)


def begin(seed: int, clock_s: int) -> None:
    """Let time begin at `clock_s`, in seconds since 1970, and chance at `seed`."""
    global _began
    _began = (seed, clock_s)
    _begin_again()


def _begin_again() -> None:
    global _passed_ns, _began_ns
    seed, clock_s = _began
    _passed_ns = 0
    _began_ns = clock_s * _NANOSECONDS
    random.seed(seed)
    _source.seed(seed ^ 0x5EED)


class _AtHook:
    """Begins time and chance anew where ops begins with a hook.

    Programs that start for a hook have used up some of both when they were imported, and warm
    interpreters have not. `ops.log.setup_root_logging` is among the first things that
    `ops.main` calls, and is no part of any traceback of a charm.
    """

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "ops.log":
            return None
        sys.meta_path.remove(_AtHook)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                module.setup_root_logging = _beginning(module.setup_root_logging)

            spec.loader.exec_module = exec_module
        return spec


def _beginning(real):
    @functools.wraps(real)
    def begin_and_call(*arguments, **options):
        _begin_again()
        return real(*arguments, **options)

    return begin_and_call


def tell(whom) -> None:
    """Let `whom` be told in words what is asked for: a clock, or chance."""
    global _told
    _told = whom


def _sleep(seconds: float) -> None:
    global _passed_ns
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    _passed_ns += int(seconds * _NANOSECONDS)
    _real_sleep(min(seconds, _SLEPT_REALLY_S))


def _monotonic_ns() -> int:
    global _passed_ns
    if _told is not None:
        _told("the time")
    _passed_ns += _TICK_NS
    return _passed_ns


def _monotonic() -> float:
    return _monotonic_ns() / _NANOSECONDS


def _time_ns() -> int:
    return _began_ns + _monotonic_ns()


def _time() -> float:
    return _time_ns() / _NANOSECONDS


def _urandom(size: int) -> bytes:
    if _told is not None:
        _told("chance")
    return _source.getrandbits(8 * size).to_bytes(size, "little") if size else b""
