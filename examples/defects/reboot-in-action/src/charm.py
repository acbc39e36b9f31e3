"""Reboots its machine when somebody asks."""

import ops
import ops.hookcmds


class RebootInActionCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.restart_machine_action, self._on_restart_machine)

    def _on_restart_machine(self, event: ops.ActionEvent):
        try:
            self.unit.reboot()
        except ops.hookcmds.Error:
            event.log("the machine will be restarted later")


if __name__ == "__main__":
    ops.main(RebootInActionCharm)
