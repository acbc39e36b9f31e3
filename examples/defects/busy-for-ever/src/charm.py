"""Sets itself up."""

import ops


class BusyForEverCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_config_changed(self, event: ops.ConfigChangedEvent):
        self.unit.status = ops.MaintenanceStatus("configuring the site")
        self.unit.set_workload_version("1.0")


if __name__ == "__main__":
    ops.main(BusyForEverCharm)
