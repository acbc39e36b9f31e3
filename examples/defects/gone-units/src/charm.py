"""Says good-bye to a database."""

import ops


class GoneUnitsCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.db_relation_broken, self._on_db_broken)

    def _on_db_broken(self, event: ops.RelationBrokenEvent):
        unit = next(iter(event.relation.units))
        self.unit.status = ops.BlockedStatus(f"no database since {unit.name} left")


if __name__ == "__main__":
    ops.main(GoneUnitsCharm)
