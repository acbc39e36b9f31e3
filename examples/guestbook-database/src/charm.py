#!/usr/bin/env python3
"""A Kubernetes charm that runs a small database for guestbooks."""

import logging

import ops

logger = logging.getLogger(__name__)

CONTAINER = "database"
RELATION = "database"
PORT = 5432
"""Where the database listens."""


class GuestbookDatabaseCharm(ops.CharmBase):
    """The database. One unit answers; others would keep entries of their own."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.container = self.unit.get_container(CONTAINER)
        for event in (
            self.on[CONTAINER].pebble_ready,
            self.on.config_changed,
            self.on.upgrade_charm,
            self.on.leader_elected,
            self.on[RELATION].relation_created,
        ):
            framework.observe(event, self._on_change)
        framework.observe(self.on.collect_unit_status, self._on_collect_unit_status)

    def _on_change(self, event: ops.EventBase) -> None:
        """Run the workload, and tell everybody where it is."""
        self.unit.set_ports(PORT)
        if not self.container.can_connect():
            logger.info("The container is not there yet")
            return
        service = {
            "summary": "The database",
            "override": "replace",
            "startup": "enabled",
            "command": "/bin/guestbook-database",
            "environment": {"DATABASE_PORT": str(PORT)},
        }
        layer: ops.pebble.LayerDict = {"services": {CONTAINER: service}}
        self.container.add_layer(CONTAINER, layer, combine=True)
        self.container.replan()
        self._announce()

    def _announce(self) -> None:
        """Write the address for each guestbook. The leader speaks for the application."""
        if not self.unit.is_leader():
            return
        for relation in self.model.relations[RELATION]:
            binding = self.model.get_binding(relation)
            if binding is None or binding.network.ingress_address is None:
                logger.info("There is no address for relation %d yet", relation.id)
                continue
            relation.data[self.app]["address"] = f"{binding.network.ingress_address}:{PORT}"

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        """Say how the unit is. Of the statuses added, ops shows the most pressing one."""
        if not self.container.can_connect():
            event.add_status(ops.MaintenanceStatus("Waiting for the container"))
        elif not self.container.get_services(CONTAINER):
            event.add_status(ops.MaintenanceStatus("Waiting for the database to start"))
        event.add_status(ops.ActiveStatus())


if __name__ == "__main__":
    ops.main(GuestbookDatabaseCharm)
