"""Asks the ``charmproof`` program for lives."""

from __future__ import annotations

import dataclasses
import os
from typing import Iterable, Iterator, List, Optional, Union

from charmproof._binary import run, stream
from charmproof._model import Sequence


def arguments(
    *,
    seed: Optional[int] = None,
    juju: str = "3.6",
    platform: Optional[str] = None,
    length: Optional[int] = None,
    only: Iterable[str] = (),
    without: Iterable[str] = (),
    units: int = 1,
    phase: Optional[str] = None,
) -> List[str]:
    """Return what the program's command line says for these settings."""
    words = ["simulate", "--format", "json", "--juju", juju, "--units", str(units)]
    for name, value in (
        ("--seed", seed),
        ("--platform", platform),
        ("--length", length),
        ("--phase", phase),
    ):
        if value is not None:
            words += [name, str(value)]
    for kind in only:
        words += ["--only", kind]
    for kind in without:
        words += ["--without", kind]
    return words


def sequences(
    charm_dir: Union[str, "os.PathLike[str]"],
    *,
    seed: Optional[int] = None,
    runs: int = 1,
    juju: str = "3.6",
    platform: Optional[str] = None,
    length: Optional[int] = None,
    only: Iterable[str] = (),
    without: Iterable[str] = (),
    units: int = 1,
    phase: Optional[str] = None,
) -> Iterator[Sequence]:
    """Yield random lives of the charm in ``charm_dir``, each of which Juju could run.

    Args:
        charm_dir: the folder with the charm's ``charmcraft.yaml`` or ``metadata.yaml``.
        seed: the number that the first life is made from; the same number gives the same
            lives. Chosen by the program, unless given.
        runs: how many lives.
        juju: the line of Juju: ``2.9``, ``3.1``, ``3.4``, ``3.6`` or ``4.0``.
        platform: ``k8s`` or ``machine``; what the charm is made for, unless given.
        length: how many stimuli there are between setup and teardown.
        only: the kinds of stimuli that may happen, such as ``integrate``; all, unless
            given.
        without: the kinds of stimuli that may not happen.
        units: how many units the application has at first.
        phase: only this part of a life: ``setup``, ``operation`` or ``teardown``.

    Raises:
        CharmproofError: with the program's own words, if it can not do this.
    """
    words = arguments(
        seed=seed,
        juju=juju,
        platform=platform,
        length=length,
        only=only,
        without=without,
        units=units,
        phase=phase,
    )
    for line in stream([*words, "--runs", str(runs), os.fspath(charm_dir)]):
        yield Sequence.from_json(line)


def repaired(sequence: Sequence) -> Sequence:
    """Return the valid life that ``sequence`` becomes, some of whose stimuli were removed.

    The program runs the stimuli that remain, leaves out what has become impossible, and
    lets the hooks follow anew.
    """
    words = ["simulate", "--replay", "-", "--format", "json"]
    # It is not the life any more that the seed stands for.
    unseeded = dataclasses.replace(sequence, seed=None)
    return Sequence.from_json(run(words, stdin=unseeded.to_json()))
