"""The interface of CharmEventSimulator."""

from __future__ import annotations

from typing import Optional

import pytest
from charmproof import (
    CharmEventSimulator,
    CharmproofError,
    Container,
    Hook,
    Relation,
    StorageMount,
)


def an_example(seed: Optional[int] = None) -> CharmEventSimulator:
    return CharmEventSimulator(
        relations=[Relation("http"), Relation("replicas", is_peer=True)],
        storage_mounts=[StorageMount("storage1")],
        potential_relations=[Relation("mongo")],
        potential_storage_mounts=[StorageMount("ephemeral1")],
        seed=seed,
    )


def test_the_example_of_the_prototype_works(capsys: pytest.CaptureFixture[str]) -> None:
    for simulator in (an_example(), an_example(seed=7)):
        simulator.run()
        simulator.pprint()
        printed = capsys.readouterr().out
        for event in simulator:
            assert isinstance(event, Hook)
            assert event.name in printed
    assert simulator.events[0].name == "install"
    assert simulator.events[-1].name == "remove"
    names = {event.name for event in simulator}
    assert {"http-relation-created", "replicas-relation-created"} <= names
    assert {"storage1-storage-attached", "workload-pebble-ready"} <= names


def test_a_seed_gives_the_same_life_again() -> None:
    lives = [an_example(seed=7), an_example(seed=7), an_example(seed=8)]
    for simulator in lives:
        simulator.run()
    first, same, other = (simulator.sequence for simulator in lives)
    assert first == same
    assert first != other


def test_potential_things_come_later_or_never() -> None:
    seen: "set[bool]" = set()
    for seed in range(30):
        simulator = an_example(seed=seed)
        simulator.run()
        names = [event.name for event in simulator]
        seen.add("mongo-relation-created" in names)
        if "mongo-relation-created" in names:
            assert names.index("mongo-relation-created") > names.index("install")
    assert seen == {True, False}


def test_scale_and_platform() -> None:
    simulator = CharmEventSimulator(
        [Relation("db")], [Container("x")], scale=2, platform="machine", seed=7
    )
    simulator.run()
    assert len(simulator.sequence.units) >= 2
    assert simulator.sequence.platform == "machine"
    assert not [event for event in simulator if "pebble" in event.name]


def test_what_makes_no_sense_is_told() -> None:
    with pytest.raises(ValueError, match="peers can not be potential: move it to `relations`"):
        CharmEventSimulator(potential_relations=[Relation("peers", is_peer=True)])
    with pytest.raises(CharmproofError, match="nothing was simulated yet: call `run"):
        _ = CharmEventSimulator().events
    with pytest.raises(CharmproofError) as caught:
        CharmEventSimulator(relations=[Relation("db"), Relation("db")]).run()
    assert "db" in str(caught.value)
    assert caught.value.exit_code == 2
    with pytest.raises(CharmproofError):
        CharmEventSimulator(scale=0).run()
