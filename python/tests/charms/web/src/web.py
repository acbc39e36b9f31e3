"""A web server that needs a database. It has a mistake."""

import ops


class WebCharm(ops.CharmBase):
    """Runs the server while there is a database."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.web_pebble_ready, self._configure)
        framework.observe(self.on.config_changed, self._configure)
        framework.observe(self.on["db"].relation_changed, self._configure)
        framework.observe(self.on["db"].relation_broken, self._on_db_broken)

    def _configure(self, _: ops.EventBase) -> None:
        web = self.unit.get_container("web")
        if not web.can_connect():
            self.unit.status = ops.WaitingStatus("for Pebble")
            return
        if not self.model.relations["db"]:
            self.unit.status = ops.BlockedStatus("needs a database")
            return
        command = f"server --port {self.config['port']}"
        service: ops.pebble.ServiceDict = {
            "override": "replace",
            "command": command,
            "startup": "enabled",
        }
        web.add_layer("web", {"services": {"web": service}}, combine=True)
        web.replan()
        self.unit.status = ops.ActiveStatus()

    def _on_db_broken(self, _: ops.RelationBrokenEvent) -> None:
        self.unit.get_container("web").stop("web")
        self.unit.status = ops.BlockedStatus("needs a database")
