"""A Hypothesis strategy of lives of a charm.

It draws the length of a life and the seed that it is made from, and then, for each of its
stimuli and each failure of a hook, whether it stays. Where some do not, the program
repairs the rest: what has become impossible is left out, and the hooks follow anew. So
every life that a test sees could happen, the ones that Hypothesis tries while it shrinks
included.

A failing life shrinks in three ways: to a shorter one, to a smaller seed, and to fewer
stimuli and failures. The last one does most: whole halves of the life are tried first,
then halves of what remains, down to single stimuli. What is left at the end is a life in
which nothing happens without need. The deployment always stays.

It needs Hypothesis, which nothing else in this package does.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from typing import Iterable, List, Optional, Tuple, Union

try:
    from hypothesis import currently_in_test_context, note
    from hypothesis import strategies as st
except ImportError as _error:
    raise ImportError(
        "charmproof.hypothesis needs Hypothesis: install `hypothesis`"
    ) from _error

from charmproof._model import Hook, Sequence, Step, Stimulus
from charmproof._sequences import repaired, sequences

__all__ = ["lifecycles"]

# One stimulus in so many is left out of a life, when nothing is shrunk.
_KEPT_OF = 16

# Few enough that Hypothesis does not spend its time on making a seed smaller, and more
# than a test will see.
_SEED_MAX = 2**16 - 1

# How many lives are remembered. Hypothesis asks for the same one again and again while it
# shrinks.
_REMEMBERED = 1024


@dataclasses.dataclass(frozen=True)
class _Settings:
    """What all lives of a strategy have in common."""

    charm_dir: str
    juju: str
    platform: Optional[str]
    only: Tuple[str, ...]
    without: Tuple[str, ...]
    units: int
    phase: Optional[str]


def lifecycles(
    charm_dir: Union[str, "os.PathLike[str]"],
    *,
    juju: str = "3.6",
    platform: Optional[str] = None,
    max_length: int = 10,
    only: Iterable[str] = (),
    without: Iterable[str] = (),
    units: int = 1,
    phase: Optional[str] = None,
) -> st.SearchStrategy[Sequence]:
    """Return a strategy of lives of the charm in ``charm_dir``.

    Args:
        charm_dir: the folder with the charm's ``charmcraft.yaml`` or ``metadata.yaml``.
        juju: the line of Juju: ``2.9``, ``3.1``, ``3.4``, ``3.6`` or ``4.0``.
        platform: ``k8s`` or ``machine``; what the charm is made for, unless given.
        max_length: how many stimuli there are at most between setup and teardown. Many
            short lives find more in a minute than a few long ones.
        only: the kinds of stimuli that may happen, such as ``integrate``; all, unless
            given.
        without: the kinds of stimuli that may not happen.
        units: how many units the application has at first.
        phase: only this part of a life: ``setup``, ``operation`` or ``teardown``.
    """
    settings = _Settings(
        os.fspath(charm_dir), juju, platform, tuple(only), tuple(without), units, phase
    )
    return _lives(settings, max_length)


@st.composite
def _lives(draw: st.DrawFn, settings: _Settings, max_length: int) -> Sequence:
    length = draw(st.integers(0, max_length))
    seed = draw(st.integers(0, _SEED_MAX))
    whole = _life(settings, seed, length)
    removable = [at for at, step in enumerate(whole.steps) if _without(step) != step]
    kept = draw(_kept(len(removable)))
    gone = frozenset(at for at, stays in zip(removable, kept) if not stays)
    life = _life_without(settings, seed, length, gone) if gone else whole
    if settings.phase is not None:
        # Only now, since a life can not be repaired without its beginning.
        steps = tuple(step for step in life.steps if step.phase == settings.phase)
        life = dataclasses.replace(life, steps=steps)
    if currently_in_test_context():
        note(_Story(life))
    return life


@st.composite
def _kept(draw: st.DrawFn, count: int) -> List[bool]:
    """Draw for each of ``count`` steps whether it stays.

    Hypothesis knows what was drawn in one go, and tries the simplest value for all of it:
    so drawing halves of halves makes it try to do without whole parts of a life.
    """
    if count == 0:
        return []
    if count == 1:
        return [draw(st.integers(0, _KEPT_OF - 1)) != 0]
    return [*draw(_kept(count // 2)), *draw(_kept(count - count // 2))]


def _without(step: Step) -> Optional[Step]:
    """Return what becomes of a step that is left out; the step itself if it has to stay."""
    if isinstance(step, Stimulus) and step.name != "deploy":
        return None
    if isinstance(step, Hook) and step.outcome in ("failed", "missing"):
        return dataclasses.replace(step, outcome="ok")
    return step


@functools.lru_cache(maxsize=_REMEMBERED)
def _life(settings: _Settings, seed: int, length: int) -> Sequence:
    [life] = sequences(
        settings.charm_dir,
        seed=seed,
        juju=settings.juju,
        platform=settings.platform,
        length=length,
        only=settings.only,
        without=settings.without,
        units=settings.units,
    )
    return life


@functools.lru_cache(maxsize=_REMEMBERED)
def _life_without(
    settings: _Settings, seed: int, length: int, gone: "frozenset[int]"
) -> Sequence:
    whole = _life(settings, seed, length)
    left = (_without(step) if at in gone else step for at, step in enumerate(whole.steps))
    steps = tuple(step for step in left if step is not None)
    return repaired(dataclasses.replace(whole, steps=steps))


class _Story:
    """The story of a life, which is told only if Hypothesis prints it."""

    def __init__(self, life: Sequence) -> None:
        self._life = life

    def __repr__(self) -> str:
        return self._life.story()
