"""Tests of the charm, one event at a time, in surroundings that are made up."""

import dataclasses

import pytest
from ops import pebble, testing

import charm

ADDRESS = "10.1.2.3:5432"
"""Where the database is."""


@pytest.fixture
def ctx() -> testing.Context[charm.GuestbookCharm]:
    return testing.Context(charm.GuestbookCharm)


def container(*, can_connect: bool = True) -> testing.Container:
    return testing.Container(charm.CONTAINER, can_connect=can_connect)


def database(address: str = ADDRESS) -> testing.Relation:
    """The relation with a database that says where it is, or does not yet."""
    data = {"address": address} if address else {}
    return testing.Relation(
        charm.DATABASE, remote_app_name="guestbook-database", remote_app_data=data
    )


def service(state: testing.State) -> pebble.Service:
    """Return what the workload is told to run, which is the only service."""
    plan = state.get_container(charm.CONTAINER).plan
    assert list(plan.services) == [charm.CONTAINER]
    return plan.services[charm.CONTAINER]


def environment(*, title: str = "Guestbook", database: str = "", peers: int = 0) -> dict[str, str]:
    return {
        "GUESTBOOK_TITLE": title,
        "GUESTBOOK_PORT": "8080",
        "GUESTBOOK_DATABASE": database,
        "GUESTBOOK_PEERS": str(peers),
    }


def test_alone(ctx: testing.Context[charm.GuestbookCharm]):
    there = container()

    state = ctx.run(ctx.on.pebble_ready(there), testing.State(containers={there}))

    assert service(state).to_dict() == {
        "summary": "The guestbook",
        "override": "replace",
        "startup": "enabled",
        "command": "/bin/guestbook",
        "environment": environment(),
    }
    running = state.get_container(charm.CONTAINER).service_statuses
    assert running == {charm.CONTAINER: pebble.ServiceStatus.ACTIVE}
    assert state.opened_ports == {testing.TCPPort(8080)}
    assert state.unit_status == testing.WaitingStatus(
        "Entries are kept in memory: there is no database"
    )


@pytest.mark.parametrize("name", ["config_changed", "upgrade_charm", "leader_elected"])
def test_each_event_brings_the_unit_in_line(ctx: testing.Context[charm.GuestbookCharm], name: str):
    event = getattr(ctx.on, name)()

    state = ctx.run(event, testing.State(leader=True, containers={container()}))

    assert service(state).environment == environment()
    assert state.opened_ports == {testing.TCPPort(8080)}


@pytest.mark.parametrize("title", ["Visitors", "", "ünï & <b>", "two\nlines"])
def test_any_title_will_do(ctx: testing.Context[charm.GuestbookCharm], title: str):
    state = testing.State(containers={container()}, config={"title": title})

    state = ctx.run(ctx.on.config_changed(), state)

    assert service(state).environment == environment(title=title)


def test_a_title_later_keeps_the_rest(ctx: testing.Context[charm.GuestbookCharm]):
    before = testing.State(containers={container()}, relations={database()})
    before = ctx.run(ctx.on.config_changed(), before)

    after = ctx.run(ctx.on.config_changed(), dataclasses.replace(before, config={"title": "New"}))

    assert service(before).environment == environment(database=ADDRESS)
    assert service(after).environment == environment(title="New", database=ADDRESS)


def test_nothing_runs_before_the_container_is_there(ctx: testing.Context[charm.GuestbookCharm]):
    missing = container(can_connect=False)

    state = ctx.run(ctx.on.config_changed(), testing.State(containers={missing}))

    assert state.get_container(charm.CONTAINER).plan.services == {}
    # What needs no container is done all the same.
    assert state.opened_ports == {testing.TCPPort(8080)}
    assert "The container is not there yet" in [line.message for line in ctx.juju_log]


def test_the_container_comes_later(ctx: testing.Context[charm.GuestbookCharm]):
    state = testing.State(containers={container(can_connect=False)}, relations={database()})
    state = ctx.run(ctx.on.config_changed(), state)

    there = container()
    state = ctx.run(ctx.on.pebble_ready(there), dataclasses.replace(state, containers={there}))

    assert service(state).environment == environment(database=ADDRESS)


def test_with_a_database(ctx: testing.Context[charm.GuestbookCharm]):
    relation = database()
    state = testing.State(containers={container()}, relations={relation})

    state = ctx.run(ctx.on.relation_changed(relation), state)

    assert service(state).environment == environment(database=ADDRESS)
    assert state.unit_status == testing.ActiveStatus()


def test_a_database_that_does_not_say_yet_where_it_is(ctx: testing.Context[charm.GuestbookCharm]):
    relation = database(address="")
    state = testing.State(containers={container()}, relations={relation})

    state = ctx.run(ctx.on.relation_changed(relation), state)

    assert service(state).environment == environment()
    assert state.unit_status == testing.ActiveStatus()


def test_a_database_that_goes_is_forgotten(ctx: testing.Context[charm.GuestbookCharm]):
    relation = database()
    state = testing.State(containers={container()}, relations={relation})
    state = ctx.run(ctx.on.relation_changed(relation), state)

    # While it goes, what it said can still be read.
    state = ctx.run(ctx.on.relation_broken(state.get_relation(relation.id)), state)

    assert service(state).environment == environment()
    assert isinstance(state.unit_status, testing.WaitingStatus)


def test_an_ingress_that_goes_takes_no_database_along(ctx: testing.Context[charm.GuestbookCharm]):
    ingress = testing.Relation(charm.INGRESS)
    state = testing.State(containers={container()}, relations={ingress, database()})
    state = ctx.run(ctx.on.config_changed(), state)

    state = ctx.run(ctx.on.relation_broken(state.get_relation(ingress.id)), state)

    assert service(state).environment == environment(database=ADDRESS)
    assert state.unit_status == testing.ActiveStatus()


@pytest.mark.parametrize(
    ("leader", "app_data"), [(True, {"port": "8080", "name": "guestbook"}), (False, {})]
)
@pytest.mark.parametrize("can_connect", [True, False])
def test_the_ingress_is_told(
    ctx: testing.Context[charm.GuestbookCharm],
    leader: bool,
    app_data: dict[str, str],
    can_connect: bool,
):
    ingress = testing.Relation(charm.INGRESS)
    network = testing.Network(charm.INGRESS, ingress_addresses=["10.9.8.7"])
    state = testing.State(
        leader=leader,
        containers={container(can_connect=can_connect)},
        relations={ingress},
        networks={network},
    )

    state = ctx.run(ctx.on.relation_joined(ingress, remote_unit=0), state)

    told = state.get_relation(ingress.id)
    assert told.local_unit_data["address"] == "10.9.8.7:8080"
    assert told.local_app_data == app_data


def test_a_new_leader_speaks_for_the_application(ctx: testing.Context[charm.GuestbookCharm]):
    ingress = testing.Relation(charm.INGRESS)
    state = testing.State(containers={container()}, relations={ingress})
    state = ctx.run(ctx.on.relation_changed(ingress), state)
    told = state.get_relation(ingress.id)
    assert told.local_unit_data["address"].endswith(":8080")
    assert told.local_app_data == {}

    state = ctx.run(ctx.on.leader_elected(), dataclasses.replace(state, leader=True))

    told = state.get_relation(ingress.id).local_app_data
    assert told == {"port": "8080", "name": "guestbook"}


@pytest.mark.parametrize("others", [0, 1, 3])
def test_peers_are_counted(ctx: testing.Context[charm.GuestbookCharm], others: int):
    peers = testing.PeerRelation(
        charm.PEERS, peers_data={unit: {} for unit in range(1, others + 1)}
    )
    state = testing.State(containers={container()}, relations={peers}, planned_units=others + 1)

    state = ctx.run(ctx.on.config_changed(), state)

    assert service(state).environment == environment(peers=others)


def test_a_peer_that_comes_is_counted(ctx: testing.Context[charm.GuestbookCharm]):
    peers = testing.PeerRelation(charm.PEERS, peers_data={1: {}, 2: {}})
    state = testing.State(containers={container()}, relations={peers}, planned_units=3)

    state = ctx.run(ctx.on.relation_changed(peers, remote_unit=2), state)

    assert service(state).environment == environment(peers=2)


def test_the_same_again_changes_nothing(ctx: testing.Context[charm.GuestbookCharm]):
    relations = {database(), testing.Relation(charm.INGRESS), testing.PeerRelation(charm.PEERS)}
    state = testing.State(leader=True, containers={container()}, relations=relations)
    first = ctx.run(ctx.on.config_changed(), state)

    second = ctx.run(ctx.on.config_changed(), first)

    # What ops itself stores is written otherwise once it was read.
    assert dataclasses.replace(second, stored_states=first.stored_states) == first


def test_a_workload_that_does_not_start_is_an_error(
    ctx: testing.Context[charm.GuestbookCharm], monkeypatch: pytest.MonkeyPatch
):
    """Juju tries the hook again. To be called active without a workload would be worse."""

    def fails(_: object) -> None:
        change = pebble.Change.from_dict(
            {
                "id": "1",
                "kind": "replan",
                "summary": "Replan service",
                "status": "Error",
                "ready": True,
                "spawn-time": "2026-01-01T00:00:00Z",
            }
        )
        raise pebble.ChangeError("cannot start the guestbook", change)

    monkeypatch.setattr(charm.ops.Container, "replan", fails)

    with pytest.raises(testing.errors.UncaughtCharmError, match="cannot start the guestbook"):
        ctx.run(ctx.on.config_changed(), testing.State(containers={container()}))
