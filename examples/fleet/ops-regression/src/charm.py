#!/usr/bin/env python3
"""Charm of a token vault."""

import logging
import secrets

import ops

logger = logging.getLogger(__name__)


class TokenVaultCharm(ops.CharmBase):
    """Lends a token to each client, for as long as it is related."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        token = self.on["token"]
        framework.observe(token.relation_created, self._on_token_created)
        framework.observe(token.relation_broken, self._on_token_broken)
        framework.observe(self.on.secret_rotate, self._on_secret_rotate)

    @staticmethod
    def _label(relation: ops.Relation) -> str:
        return f"token-{relation.id}"

    def _on_token_created(self, event: ops.RelationCreatedEvent) -> None:
        if not self.unit.is_leader():
            return
        secret = self.app.add_secret(
            {"token": secrets.token_hex(16)},
            label=self._label(event.relation),
            rotate=ops.SecretRotate.MONTHLY,
        )
        secret.grant(event.relation)
        event.relation.data[self.app]["secret-id"] = str(secret.id)

    def _on_token_broken(self, event: ops.RelationBrokenEvent) -> None:
        if not self.unit.is_leader():
            return
        try:
            secret = self.model.get_secret(label=self._label(event.relation))
        except ops.SecretNotFoundError:
            logger.info("relation %d has no token to take back", event.relation.id)
            return
        # The secret stays, for an audit of who had which token.
        secret.revoke(event.relation)

    def _on_secret_rotate(self, event: ops.SecretRotateEvent) -> None:
        event.secret.set_content({"token": secrets.token_hex(16)})


if __name__ == "__main__":
    ops.main(TokenVaultCharm)
