#!/usr/bin/env python3
"""Charm of a time source."""

import ops

import chrony


class TimeSourceCharm(ops.CharmBase):
    """Configures the daemon, and tells others of it."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)
        framework.observe(self.on["clock"].relation_joined, self._on_clock_joined)

    @property
    def pools(self) -> list[str]:
        """The pools to follow."""
        return str(self.config["pools"]).split()

    def configuration(self) -> str:
        """The daemon's configuration as it should be."""
        return chrony.render(self.pools, iburst=bool(self.config["iburst"]))

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        if not self.pools:
            self.unit.status = ops.BlockedStatus("no pool to follow")
            return
        self.unit.open_port("udp", 123)
        self.unit.status = ops.ActiveStatus(f"follows {len(self.pools)} pools")

    def _on_clock_joined(self, event: ops.RelationJoinedEvent) -> None:
        binding = self.model.get_binding(event.relation)
        if binding is not None:
            event.relation.data[self.unit]["address"] = str(binding.network.ingress_address)


if __name__ == "__main__":
    ops.main(TimeSourceCharm)
