"""Shares a token with its peers."""

import secrets

import ops


class NewTokenCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_config_changed(self, event: ops.ConfigChangedEvent):
        relation = self.model.get_relation("cluster")
        if relation is not None and self.unit.is_leader():
            relation.data[self.app]["token"] = secrets.token_hex(16)


if __name__ == "__main__":
    ops.main(NewTokenCharm)
