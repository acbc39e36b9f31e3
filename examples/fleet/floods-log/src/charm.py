#!/usr/bin/env python3
"""Charm of a log shipper."""

import ops

LEVELS = ("debug", "info", "warning", "error")


def shipped(line: str, level: str) -> bool:
    """Whether a line that starts with its level is carried away."""
    own = line.split(" ", 1)[0]
    return own not in LEVELS or LEVELS.index(own) >= LEVELS.index(level)


class LogShipperCharm(ops.CharmBase):
    """Carries a machine's logs away."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        level = str(self.config["level"])
        if level not in LEVELS:
            self.unit.status = ops.BlockedStatus(f"no level: {level}")
        else:
            self.unit.status = ops.ActiveStatus(f"from {level} on")


if __name__ == "__main__":
    ops.main(LogShipperCharm)
