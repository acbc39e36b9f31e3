"""Writes a configuration file."""

import logging
import pathlib

import ops

logger = logging.getLogger(__name__)

CONFIGURATION = pathlib.Path("/etc/left-file/site.conf")


class LeftFileCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.install, self._on_install)
        framework.observe(self.on.remove, self._on_remove)

    def _on_install(self, event: ops.InstallEvent):
        CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
        CONFIGURATION.write_text("listen = 8080\n")

    def _on_remove(self, event: ops.RemoveEvent):
        CONFIGURATION.unlink(missing_ok=True)
        logger.info("good-bye")


if __name__ == "__main__":
    ops.main(LeftFileCharm)
