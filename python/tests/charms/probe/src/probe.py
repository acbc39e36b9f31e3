"""A charm that notes what Juju shows to it."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Optional, Tuple

import ops


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the charm sees in one hook."""

    event: str
    is_leader: bool
    planned_units: int
    relations: Dict[int, Tuple[str, ...]]
    """The units of each relation."""
    unit: Optional[str] = None
    app: Optional[str] = None
    departing_unit: Optional[str] = None
    unit_data: Optional[Dict[str, str]] = None
    """The data of the event's unit, without its addresses."""
    app_data: Optional[Dict[str, str]] = None
    storages: Tuple[str, ...] = ()
    can_connect: bool = False
    files: Tuple[str, ...] = ()
    """The files in the container."""
    services: Tuple[str, ...] = ()
    hooks_counted: int = 0
    """How many hooks the charm remembers to have run."""
    port: int = 0


SEEN: List[Seen] = []
"""What was seen by all charms of this process."""

LAYER: ops.pebble.LayerDict = {
    "services": {"daemon": {"override": "replace", "command": "daemon"}},
    "checks": {"alive": {"override": "replace", "level": "alive", "exec": {"command": "true"}}},
}

PUSHES = (
    "config_changed",
    "db_relation_created",
    "start",
    "update_status",
    "workload_pebble_ready",
)
"""The events in which the charm pushes a file."""


class ProbeCharm(ops.CharmBase):
    """Notes what it sees, and leaves something behind wherever it can."""

    stored = ops.StoredState()

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.stored.set_default(hooks=0)
        for bound in self.on.events().values():
            if not issubclass(bound.event_type, ops.LifecycleEvent):
                framework.observe(bound, self._look)
        framework.observe(self.on.update_status, self._defer)

    def _look(self, event: ops.EventBase) -> None:
        hooks: Any = self.stored.hooks
        SEEN.append(self._seen(event))
        self.stored.hooks = hooks + 1
        if isinstance(event, ops.RelationEvent) and not isinstance(
            event, ops.RelationBrokenEvent
        ):
            event.relation.data[self.unit]["last"] = event.handle.kind
            if self.unit.is_leader():
                event.relation.data[self.app]["leader"] = self.unit.name
        if isinstance(event, ops.PebbleReadyEvent):
            event.workload.add_layer("probe", LAYER, combine=True)
            event.workload.replan()
        if isinstance(event, ops.InstallEvent):
            secret = self.unit.add_secret({"key": "first"}, rotate=ops.SecretRotate.DAILY)
            assert secret.id
        if isinstance(event, ops.SecretRotateEvent):
            event.secret.set_content({"key": f"{hooks}"})
        if isinstance(event, ops.ActionEvent):
            if event.handle.kind == "fail_action":
                event.fail("as asked")
            else:
                event.set_results({"where": event.params.get("where", "nowhere")})
        workload = self.unit.get_container("workload")
        if event.handle.kind in PUSHES and workload.can_connect():
            workload.push(f"/var/lib/{event.handle.kind}", "seen", make_dirs=True)

    def _defer(self, event: ops.UpdateStatusEvent) -> None:
        event.defer()

    def _seen(self, event: ops.EventBase) -> Seen:
        about: Dict[str, Any] = {}
        if isinstance(event, ops.RelationEvent):
            about = {
                "unit": event.unit.name if event.unit else None,
                "app": event.app.name,
                "app_data": dict(event.relation.data[event.app]),
            }
            if event.app is self.app and not self.unit.is_leader():
                # A unit that does not lead may not read its own application's data.
                del about["app_data"]
            if event.unit is not None and event.unit in event.relation.data:
                # Not so for a peer that departs.
                data = dict(event.relation.data[event.unit])
                for key in ("egress-subnets", "ingress-address", "private-address"):
                    del data[key]
                about["unit_data"] = data
        if isinstance(event, ops.RelationDepartedEvent):
            leaver = event.departing_unit
            about["departing_unit"] = leaver.name if leaver else None
        workload = self.unit.get_container("workload")
        can_connect = workload.can_connect()
        if can_connect:
            has_files = workload.exists("/var/lib")
            found = workload.list_files("/var/lib") if has_files else []
            about["files"] = tuple(sorted(file.name for file in found))
            about["services"] = tuple(sorted(workload.get_services()))
        hooks: Any = self.stored.hooks
        port: Any = self.config["port"]
        return Seen(
            event=event.handle.kind,
            is_leader=self.unit.is_leader(),
            planned_units=self.app.planned_units(),
            relations={
                relation.id: tuple(sorted(unit.name for unit in relation.units))
                for relations in self.model.relations.values()
                for relation in relations
            },
            storages=tuple(
                sorted(
                    storage.full_id
                    for storages in self.model.storages.values()
                    for storage in storages
                )
            ),
            can_connect=can_connect,
            hooks_counted=hooks,
            port=port,
            **about,
        )
