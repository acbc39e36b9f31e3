"""Tells where the database is."""

import ops


class ActionWithoutRelationCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.show_database_action, self._on_show_database)

    def _on_show_database(self, event: ops.ActionEvent):
        relation = self.model.relations["db"][0]
        event.set_results({"database": relation.app.name})


if __name__ == "__main__":
    ops.main(ActionWithoutRelationCharm)
