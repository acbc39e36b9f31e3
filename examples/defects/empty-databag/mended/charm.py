"""Reads the address of a database."""

import ops


class EmptyDatabagCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.db_relation_changed, self._on_db_changed)

    def _on_db_changed(self, event: ops.RelationChangedEvent):
        host = event.relation.data[event.app].get("host")
        if host is None:
            self.unit.status = ops.WaitingStatus("the database is not ready")
            return
        self.unit.status = ops.ActiveStatus(f"uses {host}")


if __name__ == "__main__":
    ops.main(EmptyDatabagCharm)
