#!/usr/bin/env python3
"""Charm of a print queue."""

import ops


class PrintQueueCharm(ops.CharmBase):
    """Counts the computers that print, and holds their jobs when told to."""

    _stored = ops.StoredState()

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self._stored.set_default(paused=False)
        framework.observe(self.on.start, self._on_start)
        framework.observe(self.on.pause_action, self._on_pause)
        framework.observe(self.on.resume_action, self._on_resume)
        framework.observe(self.on["printer"].relation_created, self._on_start)

    def _show(self) -> None:
        if self._stored.paused:
            self.unit.status = ops.MaintenanceStatus("paused")
        else:
            count = len(self.model.relations["printer"])
            self.unit.status = ops.ActiveStatus(f"{count} printing")

    def _on_start(self, _: ops.EventBase) -> None:
        self._show()

    def _on_pause(self, event: ops.ActionEvent) -> None:
        if self._stored.paused:
            event.fail("is paused already")
            return
        self._stored.paused = True
        self._show()

    def _on_resume(self, _: ops.ActionEvent) -> None:
        self._stored.paused = False
        self._show()


if __name__ == "__main__":
    ops.main(PrintQueueCharm)
