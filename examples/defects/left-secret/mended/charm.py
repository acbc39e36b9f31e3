"""Gives each client a password of its own."""

import contextlib
import secrets

import ops


class LeftSecretCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.client_relation_created, self._on_client_created)
        framework.observe(self.on.client_relation_broken, self._on_client_broken)

    def _on_client_created(self, event: ops.RelationCreatedEvent):
        if not self.unit.is_leader():
            return
        secret = self.app.add_secret({"password": secrets.token_hex(16)}, label=f"client-{event.relation.id}")
        secret.grant(event.relation)
        event.relation.data[self.app]["secret"] = secret.id or ""

    def _on_client_broken(self, event: ops.RelationBrokenEvent):
        if self.unit.is_leader():
            with contextlib.suppress(ops.SecretNotFoundError):
                self.model.get_secret(label=f"client-{event.relation.id}").remove_all_revisions()
        self.unit.status = ops.ActiveStatus(f"{event.app.name} has left")


if __name__ == "__main__":
    ops.main(LeftSecretCharm)
