"""Gives clients a password."""

import secrets

import ops


class SharedPasswordCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.client_relation_created, self._on_client_created)

    def _on_client_created(self, event: ops.RelationCreatedEvent):
        if self.unit.is_leader():
            secret = self._secret()
            secret.grant(event.relation)
            event.relation.data[self.app]["secret"] = secret.get_info().id

    def _secret(self) -> ops.Secret:
        """The one secret of all clients."""
        try:
            return self.model.get_secret(label="clients")
        except ops.SecretNotFoundError:
            return self.app.add_secret({"password": secrets.token_hex(16)}, label="clients")


if __name__ == "__main__":
    ops.main(SharedPasswordCharm)
