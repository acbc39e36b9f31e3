"""Lives that the program makes are played to charms, many of them."""

from __future__ import annotations

from typing import Dict, List, Optional

import pytest
from charmproof import CharmproofError, Sequence, sequences
from charmproof import _sequences as module
from charmproof.testing import PlayedHook, Remote, play
from making import CHARMS
from ops import testing
from probe import ProbeCharm, Seen

PROBE = CHARMS / "probe"
REMOTE = Remote(app={"db": {"version": "16"}}, unit={"db": {"host": "h"}, "replicas": {"a": "b"}})


def one(seed: int) -> Sequence:
    [life] = sequences(PROBE, seed=seed)
    return life


def test_the_same_seed_gives_the_same_life() -> None:
    assert one(7) == one(7)
    assert one(7) != one(8)
    assert one(7).seed == 7


def test_lives_are_of_the_charm_that_was_given() -> None:
    charm = one(0).charm
    assert charm.name == "probe"
    assert {endpoint.name: endpoint.role for endpoint in charm.endpoints} == {
        "db": "requires",
        "logging": "requires",
        "http-api": "provides",
        "replicas": "peer",
    }
    logging = charm.endpoint("logging")
    assert logging is not None
    assert logging.scope == "container"
    assert (charm.containers, set(charm.actions)) == (("workload",), {"backup", "fail"})


def test_runs_are_as_many_lives() -> None:
    lives = list(sequences(PROBE, seed=1, runs=5))
    assert len(lives) == 5
    assert len({life.to_json() for life in lives}) == 5


def test_a_life_is_told_as_a_story() -> None:
    story = one(3).story()
    for name in one(3).events:
        assert name in story


def test_a_life_from_the_program_is_written_as_it_was_read() -> None:
    for seed in range(20):
        life = one(seed)
        again = module.repaired(life)
        assert again.events == life.events


def test_what_the_program_refuses_is_told_in_its_words() -> None:
    with pytest.raises(CharmproofError) as caught:
        list(sequences("/nowhere", seed=1))
    assert "/nowhere" in str(caught.value)
    assert caught.value.exit_code == 2
    with pytest.raises(CharmproofError, match="sing"):
        list(sequences(PROBE, only=["sing"]))


class Expected:
    """What Juju shows, worked out from the hooks alone, and in another way than `play` does."""

    def __init__(self) -> None:
        self.units: Dict[int, List[str]] = {}
        self.storages: List[str] = []

    def before(self, played: PlayedHook) -> None:
        hook = played.hook
        if hook.kind == "storage-attached" and hook.storage_id not in self.storages:
            self.storages.append(str(hook.storage_id))
        if hook.relation_id is None:
            return
        units = self.units.setdefault(hook.relation_id, [])
        if hook.kind == "relation-joined" and hook.remote_unit not in units:
            units.append(str(hook.remote_unit))
        if hook.kind == "relation-departed" and hook.remote_unit in units:
            units.remove(str(hook.remote_unit))

    def after(self, played: PlayedHook) -> None:
        hook = played.hook
        if not hook.is_committed:
            return
        if hook.kind == "relation-broken":
            del self.units[hook.relation_id or 0]
        if hook.kind == "storage-detaching":
            self.storages.remove(str(hook.storage_id))


@pytest.mark.parametrize(
    ("juju", "platform"),
    [("2.9", "k8s"), ("3.6", "k8s"), ("3.6", "machine"), ("4.0", "machine")],
)
def test_every_life_can_be_played(platform: str, juju: str, seen: List[Seen]) -> None:
    reasons: Dict[str, int] = {}
    kinds: Dict[str, int] = {}
    for life in sequences(PROBE, seed=11, runs=4, length=12, juju=juju, platform=platform):
        seen.clear()
        expected = Expected()

        def look(played: PlayedHook, expected: Expected = expected) -> None:
            expected.before(played)
            look = seen[-1]
            hook = played.hook
            assert look.event in (hook.event, f"{hook.action}_action".replace("-", "_"))
            assert look.is_leader == hook.leader
            assert look.unit == hook.remote_unit
            assert list(look.storages) == sorted(expected.storages)
            assert look.departing_unit == hook.departing_unit
            for relation_id, units in expected.units.items():
                endpoint = life.charm.endpoint(hook.endpoint or "")
                is_scoped = endpoint is not None and endpoint.scope == "container"
                if relation_id in look.relations and not is_scoped:
                    assert set(look.relations[relation_id]) >= set(units)
            expected.after(played)
            kinds[hook.kind] = kinds.get(hook.kind, 0) + 1

        done = play(testing.Context(ProbeCharm), life, remote=REMOTE, on_hook=look)
        assert len(done.hooks) + len(done.skipped) == len(
            [hook for hook in life.hooks if hook.unit == done.unit]
        )
        for skipped in done.skipped:
            reasons[skipped.reason] = reasons.get(skipped.reason, 0) + 1
        # Peers are left, which have no `relation-broken` (R46).
        assert {relation.endpoint for relation in done.state.relations} <= {"replicas"}
        assert done.state.storages == frozenset()
    assert {"install", "relation-created", "relation-changed", "remove"} <= set(kinds)
    print(kinds, reasons)


def test_each_unit_of_a_life_can_be_played(seen: List[Seen]) -> None:
    [life] = sequences(PROBE, seed=5, units=3)
    assert len(life.units) >= 3
    for unit in life.units:
        application, number = unit.split("/")
        assert application == "probe"
        done = play(testing.Context(ProbeCharm, unit_id=int(number)), life, remote=REMOTE)
        assert done.unit == unit
        assert done.hooks[-1].hook.name == "remove"
    assert max(look.planned_units for look in seen) >= 3


def test_parts_of_a_life_can_be_played() -> None:
    phases: Optional[List[str]] = None
    for phase in ("setup", "operation", "teardown"):
        [life] = sequences(PROBE, seed=9, phase=phase)
        phases = sorted({hook.phase for hook in life.hooks})
        assert phases == [phase]
        play(testing.Context(ProbeCharm), life, remote=REMOTE)
