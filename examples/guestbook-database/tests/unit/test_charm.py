"""Tests of the charm, one event at a time, in surroundings that are made up."""

import dataclasses

import pytest
from ops import pebble, testing

import charm


@pytest.fixture
def ctx() -> testing.Context[charm.GuestbookDatabaseCharm]:
    return testing.Context(charm.GuestbookDatabaseCharm)


def container(*, can_connect: bool = True) -> testing.Container:
    return testing.Container(charm.CONTAINER, can_connect=can_connect)


def guestbook(name: str = "guestbook") -> testing.Relation:
    return testing.Relation(charm.RELATION, remote_app_name=name)


def network(*addresses: str) -> testing.Network:
    """Where guestbooks reach the unit."""
    return testing.Network(charm.RELATION, ingress_addresses=list(addresses))


def running(state: testing.State) -> dict[str, pebble.ServiceStatus]:
    return dict(state.get_container(charm.CONTAINER).service_statuses)


@pytest.mark.parametrize("leader", [True, False])
def test_the_workload_runs(ctx: testing.Context[charm.GuestbookDatabaseCharm], leader: bool):
    there = container()

    state = ctx.run(ctx.on.pebble_ready(there), testing.State(leader=leader, containers={there}))

    plan = state.get_container(charm.CONTAINER).plan
    assert plan.to_dict() == {
        "services": {
            "database": {
                "summary": "The database",
                "override": "replace",
                "startup": "enabled",
                "command": "/bin/guestbook-database",
                "environment": {"DATABASE_PORT": "5432"},
            }
        }
    }
    assert running(state) == {charm.CONTAINER: pebble.ServiceStatus.ACTIVE}
    assert state.opened_ports == {testing.TCPPort(5432)}
    assert state.unit_status == testing.ActiveStatus()


@pytest.mark.parametrize("name", ["config_changed", "upgrade_charm", "leader_elected"])
def test_each_event_brings_the_unit_in_line(
    ctx: testing.Context[charm.GuestbookDatabaseCharm], name: str
):
    event = getattr(ctx.on, name)()
    relation = guestbook()
    state = testing.State(
        leader=True, containers={container()}, relations={relation}, networks={network("10.1.2.3")}
    )

    state = ctx.run(event, state)

    assert running(state) == {charm.CONTAINER: pebble.ServiceStatus.ACTIVE}
    assert state.get_relation(relation.id).local_app_data == {"address": "10.1.2.3:5432"}


def test_every_guestbook_is_told(ctx: testing.Context[charm.GuestbookDatabaseCharm]):
    first, second = guestbook(), guestbook("visitors")
    state = testing.State(
        leader=True,
        containers={container()},
        relations={first, second},
        networks={network("10.1.2.3", "10.1.2.4")},
    )

    state = ctx.run(ctx.on.relation_created(second), state)

    for relation in (first, second):
        told = state.get_relation(relation.id)
        assert told.local_app_data == {"address": "10.1.2.3:5432"}


def test_who_does_not_lead_says_nothing(ctx: testing.Context[charm.GuestbookDatabaseCharm]):
    relation = guestbook()
    state = testing.State(leader=False, containers={container()}, relations={relation})

    state = ctx.run(ctx.on.relation_created(relation), state)

    assert state.get_relation(relation.id).local_app_data == {}
    assert state.unit_status == testing.ActiveStatus()


def test_a_new_leader_tells_the_address_that_is_its_own(
    ctx: testing.Context[charm.GuestbookDatabaseCharm],
):
    relation = dataclasses.replace(guestbook(), local_app_data={"address": "10.0.0.1:5432"})
    state = testing.State(
        leader=True, containers={container()}, relations={relation}, networks={network("10.0.0.2")}
    )

    state = ctx.run(ctx.on.leader_elected(), state)

    assert state.get_relation(relation.id).local_app_data == {"address": "10.0.0.2:5432"}


def test_nothing_is_told_as_long_as_there_is_no_address(
    ctx: testing.Context[charm.GuestbookDatabaseCharm],
):
    relation = guestbook()
    nowhere = testing.Network(charm.RELATION, bind_addresses=[], ingress_addresses=[])
    state = testing.State(
        leader=True, containers={container()}, relations={relation}, networks={nowhere}
    )

    state = ctx.run(ctx.on.relation_created(relation), state)

    assert state.get_relation(relation.id).local_app_data == {}
    messages = [line.message for line in ctx.juju_log]
    assert f"There is no address for relation {relation.id} yet" in messages


def test_nobody_is_told_of_a_database_that_does_not_run(
    ctx: testing.Context[charm.GuestbookDatabaseCharm],
):
    relation = guestbook()
    missing = container(can_connect=False)
    state = testing.State(leader=True, containers={missing}, relations={relation})

    state = ctx.run(ctx.on.relation_created(relation), state)

    assert state.get_relation(relation.id).local_app_data == {}
    assert state.get_container(charm.CONTAINER).plan.services == {}
    assert state.unit_status == testing.MaintenanceStatus("Waiting for the container")


def test_the_guestbook_is_told_when_the_container_comes(
    ctx: testing.Context[charm.GuestbookDatabaseCharm],
):
    relation = guestbook()
    missing = container(can_connect=False)
    state = testing.State(
        leader=True, containers={missing}, relations={relation}, networks={network("10.1.2.3")}
    )
    state = ctx.run(ctx.on.relation_created(relation), state)

    there = container()
    state = ctx.run(ctx.on.pebble_ready(there), dataclasses.replace(state, containers={there}))

    assert state.get_relation(relation.id).local_app_data == {"address": "10.1.2.3:5432"}
    assert state.unit_status == testing.ActiveStatus()


def test_a_container_that_came_anew_has_to_start(
    ctx: testing.Context[charm.GuestbookDatabaseCharm],
):
    state = ctx.run(ctx.on.update_status(), testing.State(containers={container()}))

    assert state.unit_status == testing.MaintenanceStatus("Waiting for the database to start")


def test_a_workload_that_does_not_start_is_an_error(
    ctx: testing.Context[charm.GuestbookDatabaseCharm], monkeypatch: pytest.MonkeyPatch
):
    """Juju tries the hook again, and no guestbook is sent to where nobody listens."""

    def fails(_: object) -> None:
        raise pebble.ConnectionError("the container is gone")

    monkeypatch.setattr(charm.ops.Container, "replan", fails)
    state = testing.State(leader=True, containers={container()}, relations={guestbook()})

    with pytest.raises(testing.errors.UncaughtCharmError, match="the container is gone"):
        ctx.run(ctx.on.config_changed(), state)
