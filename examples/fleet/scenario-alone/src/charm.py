#!/usr/bin/env python3
"""Charm of a license server."""

import ops


class LicenseServerCharm(ops.CharmBase):
    """Lends licenses to whoever came first."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on["license"].relation_changed, self._reconcile)
        framework.observe(self.on["license"].relation_broken, self._reconcile)
        framework.observe(self.on.config_changed, self._reconcile)

    def _reconcile(self, _: ops.EventBase) -> None:
        if not self.unit.is_leader():
            self.unit.status = ops.ActiveStatus("stands by")
            return
        seats = int(self.config["seats"])
        # The lowest number is the oldest relation, and a relation keeps its license.
        relations = sorted(self.model.relations["license"], key=lambda relation: relation.id)
        wanted = [relation for relation in relations if relation.active]
        for place, relation in enumerate(wanted):
            relation.data[self.app]["granted"] = "yes" if place < seats else "no"
        used = min(len(wanted), seats)
        if used < len(wanted):
            self.unit.status = ops.BlockedStatus(f"{len(wanted) - used} wait for a license")
        else:
            self.unit.status = ops.ActiveStatus(f"{used} of {seats} lent")


if __name__ == "__main__":
    ops.main(LicenseServerCharm)
