#!/usr/bin/env python3
"""Charm of a map renderer."""

import ops


def tiles(zoom: int) -> int:
    """How many tiles a map has at a depth."""
    return 4**zoom


class MapRendererCharm(ops.CharmBase):
    """Tells how much there is to draw."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        zoom = int(self.config["zoom"])
        if not 0 <= zoom <= 12:
            self.unit.status = ops.BlockedStatus("zoom is from 0 to 12")
        else:
            self.unit.status = ops.ActiveStatus(f"{tiles(zoom)} tiles")


if __name__ == "__main__":
    ops.main(MapRendererCharm)
