#!/usr/bin/env python3
"""Charm of a session store."""

import ops
from charms.cache_server.v0.cache_link import CacheRequirer


class SessionStoreCharm(ops.CharmBase):
    """Keeps sessions in whatever cache it is given."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.cache = CacheRequirer(self)
        framework.observe(self.cache.on.ready, self._reconcile)
        framework.observe(self.on.start, self._reconcile)

    def _reconcile(self, _: ops.EventBase) -> None:
        if self.cache.url is None:
            self.unit.status = ops.BlockedStatus("needs a cache")
        else:
            self.unit.status = ops.ActiveStatus(f"keeps sessions in {self.cache.url}")


if __name__ == "__main__":
    ops.main(SessionStoreCharm)
