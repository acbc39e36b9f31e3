"""Both ends of the `cache_link` relation.

A charm that provides a cache calls `publish`; one that uses it asks
`CacheRequirer.url` and observes `CacheRequirer.on.ready`.
"""

import ops

LIBID = "6d1f0b7c5e2a4c4f9a3d8e70b1c2d3e4"
LIBAPI = 0
LIBPATCH = 4


def publish(relation: ops.Relation, app: ops.Application, address: str, port: int = 6500) -> None:
    """Tell the other end where the cache is.

    Args:
        relation: The relation to write to.
        app: The application that provides the cache, whose leader calls this.
        address: A name or an IP address; of the latter also one of version 6.
        port: The port that the cache listens on.
    """
    host = f"[{address}]" if ":" in address else address
    relation.data[app]["url"] = f"cache://{host}:{port}"


class CacheReadyEvent(ops.EventBase):
    """The cache has said where it is."""


class CacheRequirerEvents(ops.ObjectEvents):
    """What a user of the cache can observe."""

    ready = ops.EventSource(CacheReadyEvent)


class CacheRequirer(ops.Object):
    """The end of a charm that uses a cache."""

    on = CacheRequirerEvents()  # type: ignore[assignment]

    def __init__(self, charm: ops.CharmBase, relation_name: str = "cache") -> None:
        super().__init__(charm, relation_name)
        self._relation_name = relation_name
        self.framework.observe(charm.on[relation_name].relation_changed, self._on_changed)

    @property
    def url(self) -> str | None:
        """Where the cache is, or None as long as nobody has said."""
        relation = self.model.get_relation(self._relation_name)
        if relation is None or relation.app is None:
            return None
        return relation.data[relation.app].get("url")

    def _on_changed(self, _: ops.RelationChangedEvent) -> None:
        if self.url is not None:
            self.on.ready.emit()
