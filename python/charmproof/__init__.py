"""Lives of Juju charms for tests: what Juju can do to a charm, and in which order.

The ``charmproof`` program, which this package brings along, knows the rules of Juju and
makes random lives that obey them. Here they are Python objects:

- :func:`sequences` yields lives of a charm;
- :func:`charmproof.testing.play` runs one in ``ops.testing``;
- :func:`charmproof.hypothesis.lifecycles` is a Hypothesis strategy of lives;
- :class:`CharmEventSimulator` prints one for a few words about a charm.
"""

from charmproof._errors import CharmproofError
from charmproof._model import (
    Begin,
    Charm,
    CharmStorage,
    Endpoint,
    Hook,
    Marker,
    OtherStep,
    Sequence,
    Step,
    Stimulus,
)
from charmproof._sequences import sequences
from charmproof._simulator import CharmEventSimulator, Container, Relation, StorageMount

__all__ = [
    "Begin",
    "Charm",
    "CharmEventSimulator",
    "CharmStorage",
    "CharmproofError",
    "Container",
    "Endpoint",
    "Hook",
    "Marker",
    "OtherStep",
    "Relation",
    "Sequence",
    "Step",
    "Stimulus",
    "StorageMount",
    "sequences",
]
