#!/usr/bin/env python3
"""A Kubernetes charm that runs a guestbook.

Whatever happens, the unit is brought in line with all that is known: the options, the database,
the ingress and the peers. So each hook looks at all of them.
"""

import dataclasses
import logging

import ops

logger = logging.getLogger(__name__)

CONTAINER = "guestbook"
DATABASE, INGRESS, PEERS = "database", "ingress", "peers"
PORT = 8080
"""Where every unit listens."""


@dataclasses.dataclass(frozen=True)
class GuestbookConfig:
    """The options in charmcraft.yaml. Any title will do."""

    title: str


class GuestbookCharm(ops.CharmBase):
    """One unit of the guestbook."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.container = self.unit.get_container(CONTAINER)
        for event in (
            self.on.config_changed,
            self.on.upgrade_charm,
            self.on.leader_elected,
            self.on[CONTAINER].pebble_ready,
            self.on[DATABASE].relation_changed,
            self.on[DATABASE].relation_broken,
            self.on[INGRESS].relation_joined,
            self.on[INGRESS].relation_changed,
            self.on[PEERS].relation_changed,
        ):
            framework.observe(event, self._on_change)
        framework.observe(self.on.collect_unit_status, self._on_collect_unit_status)

    def _on_change(self, event: ops.EventBase) -> None:
        """Bring the unit in line with what is known."""
        logger.info("Reconciling after %s", event.handle.kind)
        config = self.load_config(GuestbookConfig)
        peers = self._count_peers()
        self.unit.set_ports(PORT)
        self._announce()
        if not self.container.can_connect():
            logger.info("The container is not there yet")
            return
        self._run_workload(config, peers, leaving=self._leaving(event))

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        """Say how the unit is. Of the statuses added, ops shows the most pressing one."""
        if not self.model.relations[DATABASE]:
            event.add_status(ops.WaitingStatus("Entries are kept in memory: there is no database"))
        event.add_status(ops.ActiveStatus())

    def _count_peers(self) -> int:
        """Say where this unit is, and return how many others there are."""
        relation = self.model.get_relation(PEERS)
        if relation is None:
            return 0
        logger.debug("There are %d other units", len(relation.units))
        return len(relation.units)

    def _announce(self) -> None:
        """Tell the ingress where the guestbook is. The leader speaks for all units."""
        relation = self.model.get_relation(INGRESS)
        if relation is None:
            logger.debug("There is no ingress")
            return
        binding = self.model.get_binding(relation)
        address = str(binding.network.ingress_address) if binding else ""
        relation.data[self.unit]["address"] = f"{address}:{PORT}"
        if self.unit.is_leader():
            relation.data[self.app]["port"] = str(PORT)
            relation.data[self.app]["name"] = self.app.name
            logger.debug("The ingress knows port %d", PORT)

    def _database(self, leaving: ops.Relation | None) -> str:
        """Return the address of the database; a text without anything if there is none."""
        relation = self.model.get_relation(DATABASE)
        if relation is None or relation is leaving or relation.app is None:
            return ""
        address = relation.data[relation.app].get("address", "")
        logger.debug("The database is at %s", address or "no address yet")
        return address

    @staticmethod
    def _leaving(event: ops.EventBase) -> ops.Relation | None:
        """Return the relation that is gone after this event."""
        return event.relation if isinstance(event, ops.RelationBrokenEvent) else None

    def _run_workload(self, config: GuestbookConfig, peers: int, leaving: ops.Relation | None) -> None:
        """Run the workload with these options, and restart it only if they are others."""
        environment = {
            "GUESTBOOK_TITLE": config.title,
            "GUESTBOOK_PORT": str(PORT),
            "GUESTBOOK_DATABASE": self._database(leaving),
            "GUESTBOOK_PEERS": str(peers),
        }
        service = {
            "summary": "The guestbook",
            "override": "replace",
            "startup": "enabled",
            "command": "/bin/guestbook",
            "environment": environment,
        }
        layer: ops.pebble.LayerDict = {"services": {CONTAINER: service}}
        self.container.add_layer(CONTAINER, layer, combine=True)
        self.container.replan()
        logger.info("The guestbook runs")


if __name__ == "__main__":
    ops.main(GuestbookCharm)
