import pytest
from ops import testing

from charm import CONTAINER, ShortlinkCharm


@pytest.fixture
def ctx() -> testing.Context[ShortlinkCharm]:
    return testing.Context(ShortlinkCharm)


def test_pebble_ready_starts_the_server(ctx: testing.Context[ShortlinkCharm]) -> None:
    container = testing.Container(CONTAINER, can_connect=True)

    out = ctx.run(ctx.on.pebble_ready(container), testing.State(containers={container}))

    service = out.get_container(CONTAINER).plan.services["shortlink"]
    assert service.command == "/bin/shortlink --port 8080 --code-length 6"
    assert out.opened_ports == {testing.TCPPort(8080)}
    assert out.unit_status == testing.ActiveStatus()


def test_config_changes_the_command(ctx: testing.Context[ShortlinkCharm]) -> None:
    state = testing.State(
        containers={testing.Container(CONTAINER, can_connect=True)},
        config={"port": 9000, "code-length": 4},
    )

    out = ctx.run(ctx.on.config_changed(), state)

    command = out.get_container(CONTAINER).plan.services["shortlink"].command
    assert command == "/bin/shortlink --port 9000 --code-length 4"


def test_waits_for_pebble(ctx: testing.Context[ShortlinkCharm]) -> None:
    state = testing.State(containers={testing.Container(CONTAINER, can_connect=False)})

    out = ctx.run(ctx.on.config_changed(), state)

    assert out.unit_status == testing.WaitingStatus("waiting for Pebble")


@pytest.mark.parametrize("port", [0, 65536])
def test_blocks_on_an_impossible_port(ctx: testing.Context[ShortlinkCharm], port: int) -> None:
    state = testing.State(
        containers={testing.Container(CONTAINER, can_connect=True)}, config={"port": port}
    )

    out = ctx.run(ctx.on.config_changed(), state)

    assert out.unit_status == testing.BlockedStatus(f"port {port} is out of range")
    assert not out.opened_ports
