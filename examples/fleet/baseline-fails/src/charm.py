#!/usr/bin/env python3
"""Charm of a seat map."""

import ops


class SeatMapCharm(ops.CharmBase):
    """Counts the seats of a hall."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        seats = int(self.config["rows"]) * int(self.config["seats-per-row"])
        if seats <= 0:
            self.unit.status = ops.BlockedStatus("the hall has no seat")
        else:
            self.unit.status = ops.ActiveStatus(f"{seats} seats")


if __name__ == "__main__":
    ops.main(SeatMapCharm)
