import pytest
from ops import testing

from charm import TokenVaultCharm


@pytest.fixture
def ctx() -> testing.Context[TokenVaultCharm]:
    return testing.Context(TokenVaultCharm)


@pytest.fixture
def client() -> testing.Relation:
    return testing.Relation("token", remote_app_name="client")


def test_lends_a_token(ctx: testing.Context[TokenVaultCharm], client: testing.Relation) -> None:
    out = ctx.run(ctx.on.relation_created(client), testing.State(leader=True, relations={client}))

    secret = out.get_secret(label=f"token-{client.id}")
    assert secret.remote_grants == {client.id: {"client"}}
    assert out.get_relation(client.id).local_app_data["secret-id"] == secret.id


def test_takes_the_token_back(
    ctx: testing.Context[TokenVaultCharm], client: testing.Relation
) -> None:
    secret = testing.Secret(
        {"token": "t0ken"},
        label=f"token-{client.id}",
        owner="app",
        remote_grants={client.id: {"client"}},
    )
    state = testing.State(leader=True, relations={client}, secrets={secret})

    out = ctx.run(ctx.on.relation_broken(client), state)

    assert not out.get_secret(label=f"token-{client.id}").remote_grants


def test_a_client_without_a_token_may_leave(
    ctx: testing.Context[TokenVaultCharm], client: testing.Relation
) -> None:
    ctx.run(ctx.on.relation_broken(client), testing.State(leader=True, relations={client}))

    assert any("no token to take back" in line.message for line in ctx.juju_log)


def test_rotates_the_token(ctx: testing.Context[TokenVaultCharm]) -> None:
    secret = testing.Secret({"token": "t0ken"}, label="token-1", owner="app")

    out = ctx.run(ctx.on.secret_rotate(secret), testing.State(leader=True, secrets={secret}))

    assert out.get_secret(label="token-1").latest_content != {"token": "t0ken"}
