#!/usr/bin/env python3
"""Charm of a nightly backup."""

import ops

import retention


class NightlyBackupCharm(ops.CharmBase):
    """Watches over the backup of the machine it is put on."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)
        framework.observe(self.on.plan_action, self._on_plan_action)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        keep = int(self.config["keep"])
        if keep < 1:
            self.unit.status = ops.BlockedStatus("keep must be at least 1")
            return
        self.unit.status = ops.ActiveStatus(f"{self.config['path']}, {keep} kept")

    def _on_plan_action(self, event: ops.ActionEvent) -> None:
        archives = [name.strip() for name in event.params["archives"].split(",")]
        if not all(archives):
            event.fail("an archive has no name")
            return
        doomed = retention.to_delete(archives, int(self.config["keep"]))
        event.set_results({"delete": ",".join(doomed), "count": len(doomed)})


if __name__ == "__main__":
    ops.main(NightlyBackupCharm)
