from ops import testing

from charm import CacheServerCharm


def test_says_where_it_is() -> None:
    ctx = testing.Context(CacheServerCharm)
    cache = testing.Relation("cache")

    out = ctx.run(ctx.on.relation_created(cache), testing.State(leader=True, relations={cache}))

    assert out.get_relation(cache.id).local_app_data == {"url": "cache://192.0.2.0:6500"}


def test_tells_its_size() -> None:
    ctx = testing.Context(CacheServerCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"size": 128}))

    assert out.unit_status == testing.ActiveStatus("128 MiB")


def test_blocks_without_memory() -> None:
    ctx = testing.Context(CacheServerCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"size": 0}))

    assert out.unit_status == testing.BlockedStatus("size must be at least 1")
