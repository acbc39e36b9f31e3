"""Counts the pods of its namespace."""

import lightkube
import ops
from lightkube.resources.core_v1 import Node, Pod


class ClusterCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)
        framework.observe(self.on.count_nodes_action, self._on_count_nodes)

    def _on_config_changed(self, event: ops.EventBase):
        client = lightkube.Client()
        try:
            pods = list(client.list(Pod))
        except lightkube.ApiError as error:
            self.unit.status = ops.BlockedStatus(f"{error.status.code} {error.status.reason}: trust this charm")
            return
        self.unit.status = ops.ActiveStatus(f"{len(pods)} pods")

    def _on_count_nodes(self, event: ops.ActionEvent):
        event.set_results({"nodes": len(list(lightkube.Client().list(Node)))})


if __name__ == "__main__":
    ops.main(ClusterCharm)
