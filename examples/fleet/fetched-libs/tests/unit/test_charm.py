from ops import testing

from charm import SessionStoreCharm


def test_needs_a_cache() -> None:
    ctx = testing.Context(SessionStoreCharm)

    out = ctx.run(ctx.on.start(), testing.State())

    assert out.unit_status == testing.BlockedStatus("needs a cache")


def test_uses_the_cache() -> None:
    ctx = testing.Context(SessionStoreCharm)
    cache = testing.Relation("cache", remote_app_data={"url": "cache://a:1"})

    out = ctx.run(ctx.on.relation_changed(cache), testing.State(relations={cache}))

    assert out.unit_status == testing.ActiveStatus("keeps sessions in cache://a:1")
