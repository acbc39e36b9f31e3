"""Runs a workload in a container."""

import ops


class UnreadyContainerCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_change)
        framework.observe(self.on.app_pebble_ready, self._on_change)

    def _on_change(self, event: ops.EventBase):
        container = self.unit.get_container("app")
        container.add_layer("app", {"services": {"app": {"override": "replace", "command": "/bin/app"}}}, combine=True)
        container.replan()
        self.unit.status = ops.ActiveStatus()


if __name__ == "__main__":
    ops.main(UnreadyContainerCharm)
