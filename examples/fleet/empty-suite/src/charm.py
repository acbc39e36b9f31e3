#!/usr/bin/env python3
"""Charm of a parking page."""

import ops


class ParkingPageCharm(ops.CharmBase):
    """Is active, and that is all."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.start, self._on_start)

    def _on_start(self, _: ops.StartEvent) -> None:
        self.unit.status = ops.ActiveStatus("nothing here yet")


if __name__ == "__main__":
    ops.main(ParkingPageCharm)
