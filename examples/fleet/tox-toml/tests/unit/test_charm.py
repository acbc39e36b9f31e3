import json

from ops import testing

from charm import CONTAINER, PEERS, SETTINGS, StatusPageCharm


def test_leader_writes_the_settings() -> None:
    ctx = testing.Context(StatusPageCharm)
    peers = testing.PeerRelation(PEERS)
    state = testing.State(
        leader=True,
        relations={peers},
        containers={testing.Container(CONTAINER, can_connect=True)},
        config={"title": "Is it up?"},
    )

    out = ctx.run(ctx.on.config_changed(), state)

    settings = out.get_container(CONTAINER).get_filesystem(ctx).joinpath(SETTINGS[1:])
    assert json.loads(settings.read_text()) == {"title": "Is it up?"}
    assert out.get_relation(peers.id).local_app_data["title"] == "Is it up?"
    assert out.unit_status == testing.ActiveStatus()


def test_others_wait_for_the_leader() -> None:
    ctx = testing.Context(StatusPageCharm)
    state = testing.State(
        relations={testing.PeerRelation(PEERS)},
        containers={testing.Container(CONTAINER, can_connect=True)},
    )

    out = ctx.run(ctx.on.config_changed(), state)

    assert out.unit_status == testing.WaitingStatus("waiting for the leader")


def test_waits_for_pebble() -> None:
    ctx = testing.Context(StatusPageCharm)
    peers = testing.PeerRelation(PEERS, local_app_data={"title": "Status"}, peers_data={1: {}})
    state = testing.State(
        relations={peers}, containers={testing.Container(CONTAINER, can_connect=False)}
    )

    out = ctx.run(ctx.on.relation_changed(peers, remote_unit=1), state)

    assert out.unit_status == testing.WaitingStatus("waiting for Pebble")
