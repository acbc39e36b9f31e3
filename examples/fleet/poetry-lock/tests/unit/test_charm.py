import pytest
from ops import testing

from charm import ADMIN, PEERS, LedgerDbCharm


@pytest.fixture
def peers() -> testing.PeerRelation:
    return testing.PeerRelation(PEERS)


def test_leader_makes_a_password(peers: testing.PeerRelation) -> None:
    ctx = testing.Context(LedgerDbCharm)

    out = ctx.run(ctx.on.leader_elected(), testing.State(leader=True, relations={peers}))

    secret = out.get_secret(label=ADMIN)
    assert secret.latest_content is not None
    assert len(secret.latest_content["password"]) >= 16
    assert out.get_relation(peers.id).local_app_data["secret-id"] == secret.id


def test_password_is_made_once(peers: testing.PeerRelation) -> None:
    ctx = testing.Context(LedgerDbCharm)
    old = testing.Secret({"password": "old"}, label=ADMIN, owner="app")
    state = testing.State(leader=True, relations={peers}, secrets={old})

    out = ctx.run(ctx.on.leader_elected(), state)

    assert out.get_secret(label=ADMIN).latest_content == {"password": "old"}


def test_waits_for_peers() -> None:
    ctx = testing.Context(LedgerDbCharm)

    out = ctx.run(ctx.on.leader_elected(), testing.State(leader=True))

    assert not list(out.secrets)
    assert out.unit_status == testing.WaitingStatus("waiting for peers")


def test_new_password(peers: testing.PeerRelation) -> None:
    ctx = testing.Context(LedgerDbCharm)
    old = testing.Secret({"password": "old"}, label=ADMIN, owner="app")
    state = testing.State(leader=True, relations={peers}, secrets={old})

    out = ctx.run(ctx.on.action("new-password"), state)

    assert out.get_secret(label=ADMIN).latest_content != {"password": "old"}
    assert ctx.action_results == {"label": ADMIN}


def test_only_the_leader_gives_a_new_password(peers: testing.PeerRelation) -> None:
    ctx = testing.Context(LedgerDbCharm)

    with pytest.raises(testing.ActionFailed, match="ask the leader"):
        ctx.run(ctx.on.action("new-password"), testing.State(relations={peers}))
