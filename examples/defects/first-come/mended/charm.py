"""Uses a cache if there is one."""

import ops


class FirstComeCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.proxy_relation_created, self._on_change)
        framework.observe(self.on.update_status, self._on_update_status)

    def _on_change(self, event: ops.EventBase):
        mode = "cached" if self.model.relations["cache"] else "plain"
        for relation in self.model.relations["proxy"]:
            relation.data[self.unit]["mode"] = mode

    def _on_update_status(self, event: ops.UpdateStatusEvent):
        self._on_change(event)
        self.unit.status = ops.ActiveStatus()


if __name__ == "__main__":
    ops.main(FirstComeCharm)
