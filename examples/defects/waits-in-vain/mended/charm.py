"""Tells the database its name once it is there."""

import ops


class WaitsInVainCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.start, self._on_start)
        framework.observe(self.on.update_status, self._on_update_status)

    def _on_start(self, event: ops.StartEvent):
        self.unit.status = ops.ActiveStatus()

    def _on_update_status(self, event: ops.UpdateStatusEvent):
        self.unit.status = ops.ActiveStatus()
        for relation in self.model.relations["db"]:
            relation.data[self.unit]["name"] = self.app.name


if __name__ == "__main__":
    ops.main(WaitsInVainCharm)
