#!/usr/bin/env python3
"""Charm of a message gateway."""

import ops


class MessageGatewayCharm(ops.CharmBase):
    """Checks who messages are from."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        sender = str(self.config["sender"])
        # What the networks let through.
        if not sender.isalnum() or len(sender) > 11:
            self.unit.status = ops.BlockedStatus("sender is up to 11 letters or digits")
        else:
            self.unit.status = ops.ActiveStatus(f"sends as {sender}")


if __name__ == "__main__":
    ops.main(MessageGatewayCharm)
