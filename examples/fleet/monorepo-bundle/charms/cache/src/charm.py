#!/usr/bin/env python3
"""Charm of a cache."""

import ops
from charms.cache_server.v0 import cache_link


class CacheServerCharm(ops.CharmBase):
    """Says where the cache is."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)
        framework.observe(self.on["cache"].relation_created, self._on_cache_created)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        size = int(self.config["size"])
        if size < 1:
            self.unit.status = ops.BlockedStatus("size must be at least 1")
        else:
            self.unit.status = ops.ActiveStatus(f"{size} MiB")

    def _on_cache_created(self, event: ops.RelationCreatedEvent) -> None:
        binding = self.model.get_binding(event.relation)
        if binding is not None and self.unit.is_leader():
            address = str(binding.network.ingress_address)
            cache_link.publish(event.relation, self.app, address)


if __name__ == "__main__":
    ops.main(CacheServerCharm)
