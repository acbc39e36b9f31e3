import ops
from charms.cache_server.v0.cache_link import CacheReadyEvent, CacheRequirer
from ops import testing

META = {"name": "user", "requires": {"cache": {"interface": "cache_link"}}}


class UserCharm(ops.CharmBase):
    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.cache = CacheRequirer(self)


def test_ready_when_the_url_is_there() -> None:
    ctx = testing.Context(UserCharm, meta=META)
    cache = testing.Relation("cache", remote_app_data={"url": "cache://a:1"})

    with ctx(ctx.on.relation_changed(cache), testing.State(relations={cache})) as manager:
        assert manager.charm.cache.url == "cache://a:1"
        manager.run()

    assert any(isinstance(event, CacheReadyEvent) for event in ctx.emitted_events)


def test_no_url_without_a_relation() -> None:
    ctx = testing.Context(UserCharm, meta=META)

    with ctx(ctx.on.start(), testing.State()) as manager:
        assert manager.charm.cache.url is None
