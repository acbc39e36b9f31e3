#!/usr/bin/env python3
"""Charm of a ledger database."""

import secrets

import ops

PEERS = "ledger-peers"
ADMIN = "admin-password"


class LedgerDbCharm(ops.CharmBase):
    """Looks after the administrator's password."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.leader_elected, self._on_leader_elected)
        framework.observe(self.on[PEERS].relation_created, self._on_leader_elected)
        framework.observe(self.on.new_password_action, self._on_new_password)
        framework.observe(self.on.collect_unit_status, self._on_collect_status)

    def _password(self) -> ops.Secret | None:
        try:
            return self.model.get_secret(label=ADMIN)
        except ops.SecretNotFoundError:
            return None

    def _on_leader_elected(self, _: ops.EventBase) -> None:
        peers = self.model.get_relation(PEERS)
        # Only the leader may own the application's secret, and other units learn of it by peers.
        if not self.unit.is_leader() or peers is None or self._password() is not None:
            return
        secret = self.app.add_secret({"password": secrets.token_urlsafe(16)}, label=ADMIN)
        peers.data[self.app]["secret-id"] = str(secret.id)

    def _on_new_password(self, event: ops.ActionEvent) -> None:
        secret = self._password()
        if not self.unit.is_leader() or secret is None:
            event.fail("ask the leader")
            return
        secret.set_content({"password": secrets.token_urlsafe(16)})
        event.set_results({"label": ADMIN})

    def _on_collect_status(self, event: ops.CollectStatusEvent) -> None:
        if self.unit.is_leader() and self._password() is None:
            event.add_status(ops.WaitingStatus("waiting for peers"))
        event.add_status(ops.ActiveStatus())


if __name__ == "__main__":
    ops.main(LedgerDbCharm)
