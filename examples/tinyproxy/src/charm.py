#!/usr/bin/env python3
"""A machine charm that runs tinyproxy as a reverse proxy.

What Juju asks for is decided here. How it is done to the machine is in `tinyproxy`.
"""

import dataclasses
import logging
import re

import ops

import tinyproxy

logger = logging.getLogger(__name__)

PORT = 8000
"""Where every unit listens."""

_SLUG = re.compile(r"[a-z0-9-]+")


@dataclasses.dataclass(frozen=True)
class TinyproxyConfig:
    """The options in charmcraft.yaml, checked. One that exists is valid."""

    slug: str

    def __post_init__(self) -> None:
        """Raise `ValueError` for a value that must not reach the proxy's configuration."""
        # fullmatch, as match with "$" would accept one newline at the end.
        if not _SLUG.fullmatch(self.slug):
            # The text becomes the unit's status. The repr keeps it on one line.
            raise ValueError(f"slug {self.slug!r} is not valid: use only a-z, 0-9 and '-'")


class TinyproxyCharm(ops.CharmBase):
    """One unit of tinyproxy."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.install, self._on_install)
        framework.observe(self.on.upgrade_charm, self._on_install)
        framework.observe(self.on.start, self._on_start)
        framework.observe(self.on.config_changed, self._on_config_changed)
        framework.observe(self.on.stop, self._on_stop)
        framework.observe(self.on.remove, self._on_remove)
        framework.observe(self.on.collect_unit_status, self._on_collect_unit_status)

    def _on_install(self, event: ops.InstallEvent | ops.UpgradeCharmEvent) -> None:
        """Put the workload on the machine.

        A charm upgrade comes here as well, in case it finds a machine that lost the workload.
        It need not configure anything: Juju sends config-changed right after it.
        """
        if not tinyproxy.is_installed():
            self.unit.status = ops.MaintenanceStatus("Installing tinyproxy")
            tinyproxy.install()
        self.unit.set_workload_version(tinyproxy.get_version())

    def _on_start(self, event: ops.StartEvent) -> None:
        """Serve: for the first time, or again after the machine was rebooted."""
        self._serve()

    def _on_config_changed(self, event: ops.ConfigChangedEvent) -> None:
        """Serve below the new slug.

        This also starts a workload that is down, since start is sent only once. If the slug was
        invalid then, now is when the unit gets going.
        """
        self._serve()

    def _on_stop(self, event: ops.StopEvent) -> None:
        """Take the workload down."""
        tinyproxy.stop()

    def _on_remove(self, event: ops.RemoveEvent) -> None:
        """Leave the machine as it was before the charm came."""
        tinyproxy.uninstall()

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        """Say how the unit is. Of the statuses added, ops shows the most pressing one."""
        try:
            self.load_config(TinyproxyConfig)
        except ValueError as error:
            event.add_status(ops.BlockedStatus(str(error)))
        if not tinyproxy.is_installed():
            event.add_status(ops.MaintenanceStatus("Waiting for tinyproxy to be installed"))
        elif not tinyproxy.is_running():
            event.add_status(ops.MaintenanceStatus("Waiting for tinyproxy to start"))
        event.add_status(ops.ActiveStatus())

    def _serve(self) -> None:
        """Bring the workload in line with the options, disturbing it as little as possible."""
        try:
            config = self.load_config(TinyproxyConfig)
        except ValueError as error:
            # A workload that is up goes on serving below the last valid slug.
            logger.warning("Configuration not applied: %s", error)
            return
        if not tinyproxy.is_installed():
            logger.warning("Configuration not applied: tinyproxy is not installed")
            return
        changed = tinyproxy.ensure_config(PORT, config.slug)
        if not tinyproxy.is_running():
            tinyproxy.start()
            # The machine may have been given a newer package since install.
            self.unit.set_workload_version(tinyproxy.get_version())
        elif changed:
            # A reload keeps the connections that are open. A restart would cut them.
            tinyproxy.reload_config()
            logger.info("Now serving below /%s/", config.slug)


if __name__ == "__main__":
    ops.main(TinyproxyCharm)
