from ops import pebble, testing

from charm import CONTAINER, FeedReaderCharm

READER = testing.Container(
    CONTAINER,
    can_connect=True,
    execs={testing.Exec(["/bin/reader", "--version"], stdout="4.2\n")},
)


def test_follows_feeds() -> None:
    ctx = testing.Context(FeedReaderCharm)
    state = testing.State(containers={READER}, config={"feeds": "https://example.org/feed"})

    out = ctx.run(ctx.on.pebble_ready(READER), state)

    container = out.get_container(CONTAINER)
    assert container.services["reader"].current == pebble.ServiceStatus.ACTIVE
    assert container.plan.services["reader"].environment == {"FEEDS": "https://example.org/feed"}
    assert out.workload_version == "4.2"
    assert out.unit_status == testing.ActiveStatus()


def test_stops_without_feeds() -> None:
    ctx = testing.Context(FeedReaderCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(containers={READER}))

    service = out.get_container(CONTAINER).services["reader"]
    assert service.current != pebble.ServiceStatus.ACTIVE
    assert out.unit_status == testing.BlockedStatus("no feed to follow")


def test_waits_for_pebble() -> None:
    ctx = testing.Context(FeedReaderCharm)
    state = testing.State(containers={testing.Container(CONTAINER, can_connect=False)})

    out = ctx.run(ctx.on.config_changed(), state)

    assert out.unit_status == testing.WaitingStatus("waiting for Pebble")
