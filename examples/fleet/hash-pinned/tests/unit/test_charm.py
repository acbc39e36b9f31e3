from ops import testing

from charm import ZoneKeeperCharm


def records(**addresses: str) -> testing.Relation:
    return testing.Relation(
        "records",
        remote_units_data={
            number: {"host": host, "address": address}
            for number, (host, address) in enumerate(addresses.items())
        },
    )


def test_puts_the_zone_together() -> None:
    ctx = testing.Context(ZoneKeeperCharm)
    hosts = records(web="192.0.2.7", mail="2001:db8::1")
    state = testing.State(relations={hosts}, config={"zone": "example.org", "ttl": 60})

    with ctx(ctx.on.relation_changed(hosts), state) as manager:
        text = manager.charm.zone_file()
        out = manager.run()

    assert text.splitlines() == [
        "$ORIGIN example.org.",
        "$TTL 60",
        "mail IN AAAA 2001:db8::1",
        "web IN A 192.0.2.7",
    ]
    assert out.unit_status == testing.ActiveStatus("2 records")


def test_blocks_on_a_bad_address() -> None:
    ctx = testing.Context(ZoneKeeperCharm)
    hosts = records(web="somewhere")
    state = testing.State(relations={hosts}, config={"zone": "example.org"})

    out = ctx.run(ctx.on.relation_changed(hosts), state)

    assert out.unit_status == testing.BlockedStatus("web has no proper address")


def test_needs_a_name() -> None:
    ctx = testing.Context(ZoneKeeperCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State())

    assert out.unit_status == testing.BlockedStatus("set the zone's name")
