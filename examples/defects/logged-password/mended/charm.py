"""Keeps an administrator's password."""

import logging
import secrets

import ops

logger = logging.getLogger(__name__)


class LoggedPasswordCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.leader_elected, self._on_leader_elected)

    def _on_leader_elected(self, event: ops.LeaderElectedEvent):
        try:
            self.model.get_secret(label="admin").get_content()
        except ops.SecretNotFoundError:
            self.app.add_secret({"password": secrets.token_hex(16)}, label="admin")
        logger.info("the administrator has a password")


if __name__ == "__main__":
    ops.main(LoggedPasswordCharm)
