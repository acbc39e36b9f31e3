#!/usr/bin/env python3
"""Charm of the gallery's pages."""

import ops


class GalleryWebCharm(ops.CharmBase):
    """Tells from its relations what the pages can do."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on["worker"].relation_joined, self._on_worker_joined)
        framework.observe(self.on.collect_unit_status, self._on_collect_status)

    def _on_worker_joined(self, event: ops.RelationJoinedEvent) -> None:
        if self.unit.is_leader():
            event.relation.data[self.app]["sizes"] = "320,1280"

    def _on_collect_status(self, event: ops.CollectStatusEvent) -> None:
        if self.model.get_relation("worker") is None:
            event.add_status(ops.BlockedStatus("needs a worker"))
        cache = self.model.get_relation("cache")
        event.add_status(ops.ActiveStatus("" if cache else "without a cache"))


if __name__ == "__main__":
    ops.main(GalleryWebCharm)
