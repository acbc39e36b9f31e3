"""Reboots its machine when somebody asks."""

import ops


class RebootInActionCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.restart_machine_action, self._on_restart_machine)

    def _on_restart_machine(self, event: ops.ActionEvent):
        event.fail("run `juju exec --unit <unit> -- juju-reboot`, as an action cannot do it")


if __name__ == "__main__":
    ops.main(RebootInActionCharm)
