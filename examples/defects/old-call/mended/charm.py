"""Shows which Juju it runs on."""

import ops


class OldCallCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.update_status, self._on_update_status)

    def _on_update_status(self, event: ops.UpdateStatusEvent):
        self.unit.status = ops.ActiveStatus(f"on Juju {self.model.juju_version}")


if __name__ == "__main__":
    ops.main(OldCallCharm)
