"""Asks a database for a schema."""

import ops


class LeaderOnlyWriteCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.db_relation_created, self._on_db_created)

    def _on_db_created(self, event: ops.RelationCreatedEvent):
        if self.unit.is_leader():
            event.relation.data[self.app]["schema"] = "accounts"


if __name__ == "__main__":
    ops.main(LeaderOnlyWriteCharm)
