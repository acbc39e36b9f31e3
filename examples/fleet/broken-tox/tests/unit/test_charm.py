import pytest
from ops import testing

from charm import MessageGatewayCharm


def test_sends() -> None:
    ctx = testing.Context(MessageGatewayCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"sender": "Library"}))

    assert out.unit_status == testing.ActiveStatus("sends as Library")


@pytest.mark.parametrize("sender", ["", "a-b", "twelve" * 2])
def test_blocks_on_a_bad_sender(sender: str) -> None:
    ctx = testing.Context(MessageGatewayCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"sender": sender}))

    assert out.unit_status == testing.BlockedStatus("sender is up to 11 letters or digits")
