"""The interface of CharmEventSimulator, over lives that Juju could run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Iterable, Iterator, List, Optional, Tuple

from charmproof._binary import run
from charmproof._errors import CharmproofError
from charmproof._model import Hook, Sequence
from charmproof._sequences import arguments


@dataclass(frozen=True)
class Relation:
    """An endpoint of the charm, and its relation."""

    name: str
    is_peer: bool = False
    """Whether it connects the units of the application with each other."""


@dataclass(frozen=True)
class StorageMount:
    """A storage of the charm."""

    name: str


@dataclass(frozen=True)
class Container:
    """A workload container of the charm."""

    name: str


class CharmEventSimulator:
    """Makes up a life for a charm that is described in a few words.

    Args:
        relations: the endpoints that have a relation from the beginning; peers always do.
        containers: the workload containers. A machine has none.
        storage_mounts: the storages that are there from the beginning.
        potential_relations: the endpoints that somebody may integrate later.
        potential_storage_mounts: the storages that somebody may add later.
        max_operation_length: how many things happen between setup and teardown.
        scale: how many units the application has at first.
        platform: ``k8s`` or ``machine``.
        juju: the line of Juju.
        seed: the number that stands for the life; chosen by chance, unless given.
    """

    def __init__(
        self,
        relations: Iterable[Relation] = (),
        containers: Iterable[Container] = (Container("workload"),),
        storage_mounts: Iterable[StorageMount] = (),
        potential_relations: Iterable[Relation] = (),
        potential_storage_mounts: Iterable[StorageMount] = (),
        max_operation_length: int = 10,
        scale: int = 1,
        platform: str = "k8s",
        *,
        juju: str = "3.6",
        seed: Optional[int] = None,
    ) -> None:
        self.relations = tuple(relations)
        self.containers = tuple(containers)
        self.storage_mounts = tuple(storage_mounts)
        self.potential_relations = tuple(potential_relations)
        self.potential_storage_mounts = tuple(potential_storage_mounts)
        self.max_operation_length = max_operation_length
        self.scale = scale
        self.platform = platform
        self.juju = juju
        self.seed = seed
        self._sequence: Optional[Sequence] = None
        peers = [relation.name for relation in self.potential_relations if relation.is_peer]
        if peers:
            raise ValueError(
                f"a peer relation is there as soon as its charm is, so {', '.join(peers)} can"
                " not be potential: move it to `relations`"
            )

    def run(self) -> None:
        """Make up a life. Without a seed, each call makes another one."""
        words = arguments(
            seed=self.seed,
            juju=self.juju,
            platform=self.platform,
            length=self.max_operation_length,
            units=self.scale,
        )
        self._sequence = Sequence.from_json(run([*words, *self._charm()]))

    @property
    def sequence(self) -> Sequence:
        """The life that the last :meth:`run` made up."""
        if self._sequence is None:
            raise CharmproofError("nothing was simulated yet: call `run()` first")
        return self._sequence

    @property
    def events(self) -> Tuple[Hook, ...]:
        """All hooks of the life, in the order of time; each has a ``name``."""
        return self.sequence.hooks

    def __iter__(self) -> Iterator[Hook]:
        return iter(self.events)

    def pprint(self) -> None:
        """Print the life: who does what, and the hooks that follow."""
        sys.stdout.write(self.sequence.story())

    def _charm(self) -> List[str]:
        """Return the words of the command line that describe the charm."""
        words: List[str] = []
        for relation in self.relations:
            words += ["--peer" if relation.is_peer else "--relation", relation.name]
        for storage in self.storage_mounts:
            words += ["--storage", storage.name]
        for relation in self.potential_relations:
            words += ["--potential-relation", relation.name]
        for storage in self.potential_storage_mounts:
            words += ["--potential-storage", storage.name]
        if self.platform == "k8s":
            for container in self.containers:
                words += ["--container", container.name]
        return words
