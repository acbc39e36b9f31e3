"""Waits for its workload."""

import pathlib

import ops

READY = pathlib.Path("/run/waits-for-file/ready")


class WaitsForFileCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.update_status, self._on_update_status)

    def _on_update_status(self, event: ops.UpdateStatusEvent):
        if not READY.exists():
            self.unit.status = ops.WaitingStatus("the workload is not ready")
            return
        self.unit.status = ops.ActiveStatus()


if __name__ == "__main__":
    ops.main(WaitsForFileCharm)
