"""Installs a snap and asks web servers."""

import subprocess
import urllib.request

import ops
import requests
from charmlibs import snap


class MachineCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.install, self._on_install)
        framework.observe(self.on.config_changed, self._on_config_changed)
        framework.observe(self.on.release_notes_action, self._on_release_notes)

    def _on_install(self, event: ops.EventBase):
        etcd = snap.SnapCache()["etcd"]
        etcd.ensure(snap.SnapState.Latest, channel="3.4/stable")
        subprocess.run(["etcd", "--version"], check=True)

    def _on_config_changed(self, event: ops.EventBase):
        channel = str(self.config["channel"])
        if channel.partition("/")[0] not in ("3.4", "3.5"):
            raise ValueError(f"{channel} has no track")
        snap.SnapCache()["etcd"].ensure(snap.SnapState.Latest, channel=channel)
        latest = requests.get("https://api.example.com/releases/latest", timeout=10).json()
        with urllib.request.urlopen("http://localhost:2379/health", timeout=10) as health:
            self.unit.status = ops.ActiveStatus(f"{latest['version']} {health.read().decode()}")

    def _on_release_notes(self, event: ops.ActionEvent):
        release = event.params["release"]
        answer = requests.get(f"https://api.example.com/releases/{release}/notes", timeout=10)
        event.set_results({"notes": answer.text})


if __name__ == "__main__":
    ops.main(MachineCharm)
