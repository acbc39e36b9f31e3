#!/usr/bin/env python3
"""Charm of a status page."""

import json

import ops

CONTAINER = "page"
PEERS = "page-peers"
SETTINGS = "/etc/page/settings.json"


class StatusPageCharm(ops.CharmBase):
    """Writes the settings of the page."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._reconcile)
        framework.observe(self.on[CONTAINER].pebble_ready, self._reconcile)
        framework.observe(self.on[PEERS].relation_changed, self._reconcile)

    def _title(self) -> str | None:
        """The title that the units agree on, or None before the leader has said it."""
        peers = self.model.get_relation(PEERS)
        if peers is None:
            return None
        if self.unit.is_leader():
            peers.data[self.app]["title"] = str(self.config["title"])
        return peers.data[self.app].get("title")

    def _reconcile(self, _: ops.EventBase) -> None:
        title = self._title()
        if title is None:
            self.unit.status = ops.WaitingStatus("waiting for the leader")
            return
        container = self.unit.get_container(CONTAINER)
        if not container.can_connect():
            self.unit.status = ops.WaitingStatus("waiting for Pebble")
            return
        container.push(SETTINGS, json.dumps({"title": title}), make_dirs=True)
        self.unit.status = ops.ActiveStatus()


if __name__ == "__main__":
    ops.main(StatusPageCharm)
