"""Hooks of a charm that is nobody's, run before the first hook of the charm itself.

What a fork does for the first time, each fork does for the first time: Python adapts its code
to what it meets, and modules import, compile and remember what they need. So some hooks are run
before anything is forked. They are hooks of a charm that is made here, as the charm's own code
must not run before its hooks do; it has what the charm declares, and stands in a folder of its
own. Whatever hooks leave behind in the interpreter is put back.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys

import tools

_ROUNDS = 8
"""After so many runs, Python has adapted what it adapts."""
_DECLARATIONS = ("metadata.yaml", "config.yaml", "actions.yaml")
_CHANGE = {"id": "1", "kind": "replan", "summary": "", "status": "Done", "ready": True, "spawn-time": "2026-01-01T00:00:00Z"}
_VERSION = {"version": "v1.0.0", "boot-id": "0"}


def warm_up(run, own_folder: str, folder: str) -> None:
    """Run hooks with `run(environment, charm class, agent)`, in the new folder `folder`."""
    # Tracing is set up once for a process, and then for the charm that was first.
    if "ops_tracing" in sys.modules or _is_there("ops_tracing"):
        return
    os.makedirs(folder)
    for name in _DECLARATIONS:
        path = os.path.join(own_folder, name)
        if os.path.exists(path):
            shutil.copy(path, os.path.join(folder, name))
    registries = _registries()
    breakpoint_hook = sys.breakpointhook
    pebble = _Pebble(os.path.join(folder, "pebble.socket"))
    try:
        for number in range(_ROUNDS):
            for event in ("config-changed", "update-status"):
                run(_environment(folder, event), _charm_class(pebble.path), _Answers())
    finally:
        pebble.end()
        shutil.rmtree(folder, ignore_errors=True)
        sys.breakpointhook = breakpoint_hook
        _put_back(registries)


def _is_there(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


def _environment(folder: str, event: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "JUJU_VERSION": "3.6.0",
        "JUJU_MODEL_NAME": "warm",
        "JUJU_MODEL_UUID": "00000000-0000-4000-8000-000000000000",
        "JUJU_UNIT_NAME": "warm/0",
        "JUJU_CHARM_DIR": folder,
        "JUJU_DISPATCH_PATH": f"hooks/{event}",
        "JUJU_HOOK_NAME": event,
    }


def _charm_class(pebble: str) -> type:
    """Return a charm that does a little of everything."""
    import logging

    import ops

    logger = logging.getLogger(__name__)

    class WarmCharm(ops.CharmBase):
        def __init__(self, framework):
            super().__init__(framework)
            framework.observe(self.on.config_changed, self._on_change)
            framework.observe(self.on.update_status, self._on_change)
            if hasattr(self.on, "collect_unit_status"):
                framework.observe(self.on.collect_unit_status, self._on_collect_status)

        def _on_change(self, event):
            self.unit.status = ops.MaintenanceStatus("warming up")
            logger.info("relations: %s", len(self.meta.relations))
            for name in list(self.meta.relations)[:3]:
                for relation in self.model.relations[name]:
                    if relation.app is not None:
                        relation.data[relation.app].get("key")
                    relation.data[self.unit]["key"] = "value"
            if event.handle.kind == "config_changed":
                client = ops.pebble.Client(pebble)
                client.get_system_info()
                client.get_plan()
                client.add_layer("warm", {"services": {}}, combine=True)
                client.replan_services()

        def _on_collect_status(self, event):
            dict(self.config)
            self.unit.is_leader()
            event.add_status(ops.ActiveStatus())

    return WarmCharm


class _Answers:
    """The agent, as it answers somebody of whom it knows nothing."""

    def note(self, payload: bytes) -> None:
        """Take what nobody waits for."""

    def ask(self, payload: bytes) -> tuple[int, bytes, bytes]:
        """Return what a tool says: exit code, output, errors."""
        return 0, _answer([argument.decode() for argument in tools.arguments_of(payload)]), b""

    def flush(self) -> None:
        """Do nothing: nothing waits."""


def _answer(arguments: list[str]) -> bytes:
    tool = arguments[0]
    if tool == "is-leader":
        return b"true"
    if tool == "relation-ids":
        return json.dumps([f"{arguments[-1]}:1"]).encode()
    if tool == "relation-list":
        return b'"other"' if "--app" in arguments else b'["other/0"]'
    if tool in ("config-get", "relation-get"):
        return b'{"key": "old"}'
    return b""


class _Pebble:
    """A Pebble of which nothing is asked twice, in a process of its own."""

    def __init__(self, path: str) -> None:
        self.path = path
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen()
        self._child = os.fork()
        if self._child == 0:
            try:
                while True:
                    self._serve(listener)
            finally:
                os._exit(0)
        listener.close()

    def end(self) -> None:
        os.kill(self._child, 9)
        os.waitpid(self._child, 0)

    @staticmethod
    def _serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as file:
            path = file.readline().split()[1]
            length = 0
            for line in iter(file.readline, b"\r\n"):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            file.read(length)
            reply = {"type": "sync", "status-code": 200, "status": "OK", "result": _CHANGE}
            if b"plan" in path:
                reply["result"] = ""
            elif b"system-info" in path:
                reply["result"] = _VERSION
            elif path.startswith(b"/v1/services"):
                reply.update({"type": "async", "change": "1"})
            body = json.dumps(reply).encode()
            file.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
            file.write(body)


def _registries() -> dict[str, dict]:
    """Return which warnings were shown that are shown once."""
    found = {}
    for name, module in list(sys.modules.items()):
        registry = getattr(module, "__dict__", {}).get("__warningregistry__")
        if registry is not None:
            found[name] = dict(registry)
    return found


def _put_back(registries: dict[str, dict]) -> None:
    for name, module in list(sys.modules.items()):
        registry = getattr(module, "__dict__", {}).get("__warningregistry__")
        if registry is not None:
            registry.clear()
            registry.update(registries.get(name, {}))
