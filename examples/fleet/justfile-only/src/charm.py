#!/usr/bin/env python3
"""Charm of a feed reader."""

import ops

CONTAINER = "reader"


class FeedReaderCharm(ops.CharmBase):
    """Runs the reader while there is something to read."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on[CONTAINER].pebble_ready, self._reconcile)
        framework.observe(self.on.config_changed, self._reconcile)

    def _version(self, container: ops.Container) -> str:
        out, _ = container.exec(["/bin/reader", "--version"]).wait_output()
        return out.strip()

    def _reconcile(self, _: ops.EventBase) -> None:
        container = self.unit.get_container(CONTAINER)
        if not container.can_connect():
            self.unit.status = ops.WaitingStatus("waiting for Pebble")
            return
        feeds = str(self.config["feeds"]).split()
        container.add_layer(
            CONTAINER,
            {
                "services": {
                    "reader": {
                        "override": "replace",
                        "command": "/bin/reader serve",
                        "startup": "enabled" if feeds else "disabled",
                        "environment": {"FEEDS": " ".join(feeds)},
                    }
                }
            },
            combine=True,
        )
        if not feeds:
            container.stop("reader")
            self.unit.status = ops.BlockedStatus("no feed to follow")
            return
        container.replan()
        self.unit.set_workload_version(self._version(container))
        self.unit.status = ops.ActiveStatus()


if __name__ == "__main__":
    ops.main(FeedReaderCharm)
