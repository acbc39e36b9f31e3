"""Writes as much to its log as the user wants."""

import ops


class AnyTextCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_config_changed(self, event: ops.ConfigChangedEvent):
        try:
            level = int(self.config["level"])
        except ValueError:
            self.unit.status = ops.BlockedStatus("`level` has to be a number")
            return
        self.unit.status = ops.ActiveStatus(f"logs at level {level}")


if __name__ == "__main__":
    ops.main(AnyTextCharm)
