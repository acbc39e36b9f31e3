from ops import testing

import chrony
from charm import TimeSourceCharm


def test_follows_the_pools() -> None:
    ctx = testing.Context(TimeSourceCharm)

    with ctx(ctx.on.config_changed(), testing.State(config={"pools": "a.example"})) as manager:
        assert manager.charm.configuration().startswith("pool a.example iburst\n")
        out = manager.run()

    assert out.opened_ports == {testing.UDPPort(123)}
    assert out.unit_status == testing.ActiveStatus("follows 1 pools")


def test_blocks_without_a_pool() -> None:
    ctx = testing.Context(TimeSourceCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"pools": " "}))

    assert out.unit_status == testing.BlockedStatus("no pool to follow")


def test_tells_its_address() -> None:
    ctx = testing.Context(TimeSourceCharm)
    clock = testing.Relation("clock")

    out = ctx.run(ctx.on.relation_joined(clock), testing.State(relations={clock}))

    assert out.get_relation(clock.id).local_unit_data["address"] == "192.0.2.0"


def test_render_without_iburst() -> None:
    assert chrony.render(["a", "b"], iburst=False).splitlines()[:2] == ["pool a", "pool b"]
