#!/usr/bin/env python3
"""Charm of a chat server."""

from ops.charm import CharmBase
from ops.main import main
from ops.model import ActiveStatus, BlockedStatus


class ChatServerCharm(CharmBase):
    """Tells newcomers what the operator wants them to know."""

    def __init__(self, *args):
        super().__init__(*args)
        self.framework.observe(self.on.config_changed, self._on_config_changed)
        self.framework.observe(self.on["chat"].relation_joined, self._on_chat_joined)

    def _on_config_changed(self, _):
        # No f-strings yet, and no annotations of variables: Python 3.5 has neither.
        motd = self.model.config["motd"].strip()
        if not motd:
            self.unit.status = BlockedStatus("motd is empty")
            return
        self.unit.status = ActiveStatus("{} letters".format(len(motd)))

    def _on_chat_joined(self, event):
        event.relation.data[self.unit]["port"] = "6667"


if __name__ == "__main__":
    main(ChatServerCharm)
