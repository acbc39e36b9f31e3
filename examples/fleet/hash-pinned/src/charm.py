#!/usr/bin/env python3
"""Charm of a DNS zone."""

import ops

import zone


class ZoneKeeperCharm(ops.CharmBase):
    """Puts a zone together out of what others ask for."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._reconcile)
        framework.observe(self.on["records"].relation_changed, self._reconcile)

    def records(self) -> dict[str, str]:
        """Address by host name, of all related units."""
        found: dict[str, str] = {}
        for relation in self.model.relations["records"]:
            for unit in relation.units:
                data = relation.data[unit]
                if "host" in data and "address" in data:
                    found[data["host"]] = data["address"]
        return found

    def zone_file(self) -> str:
        """The zone as it should be."""
        return zone.render(str(self.config["zone"]), self.records(), int(self.config["ttl"]))

    def _reconcile(self, _: ops.EventBase) -> None:
        if not self.config["zone"]:
            self.unit.status = ops.BlockedStatus("set the zone's name")
            return
        try:
            self.zone_file()
        except zone.BadRecordError as e:
            self.unit.status = ops.BlockedStatus(str(e))
            return
        self.unit.status = ops.ActiveStatus(f"{len(self.records())} records")


if __name__ == "__main__":
    ops.main(ZoneKeeperCharm)
