#!/usr/bin/env python3
"""Charm of a URL shortener."""

import ops

CONTAINER = "shortlink"


class ShortlinkCharm(ops.CharmBase):
    """Keeps the shortener running as it is configured."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on[CONTAINER].pebble_ready, self._reconcile)
        framework.observe(self.on.config_changed, self._reconcile)

    @property
    def port(self) -> int:
        """The port the server listens on."""
        return int(self.config["port"])

    def _layer(self) -> ops.pebble.LayerDict:
        length = int(self.config["code-length"])
        return {
            "summary": "URL shortener",
            "services": {
                "shortlink": {
                    "override": "replace",
                    "command": f"/bin/shortlink --port {self.port} --code-length {length}",
                    "startup": "enabled",
                }
            },
        }

    def _reconcile(self, _: ops.EventBase) -> None:
        if not 0 < self.port < 65536:
            self.unit.status = ops.BlockedStatus(f"port {self.port} is out of range")
            return
        container = self.unit.get_container(CONTAINER)
        if not container.can_connect():
            self.unit.status = ops.WaitingStatus("waiting for Pebble")
            return
        container.add_layer("shortlink", self._layer(), combine=True)
        container.replan()
        self.unit.set_ports(self.port)
        self.unit.status = ops.ActiveStatus()


if __name__ == "__main__":
    ops.main(ShortlinkCharm)
