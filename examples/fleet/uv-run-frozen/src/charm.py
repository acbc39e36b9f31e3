#!/usr/bin/env python3
"""Charm of an alert relay."""

import json
import logging

import ops

logger = logging.getLogger(__name__)


class AlertRelayCharm(ops.CharmBase):
    """Hands the rules of every related application on to one evaluator."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        for event in (
            self.on["alerts"].relation_changed,
            self.on["alerts"].relation_broken,
            self.on["evaluator"].relation_joined,
            self.on.leader_elected,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.collect_unit_status, self._on_collect_status)

    def rules(self) -> dict[str, str]:
        """Expression by rule name, each name led by its application's."""
        collected: dict[str, str] = {}
        for relation in self.model.relations["alerts"]:
            # A relation that is being broken still has its data, which is no longer wanted.
            if not relation.active or relation.app is None:
                continue
            try:
                offered = json.loads(relation.data[relation.app].get("rules", "{}"))
            except json.JSONDecodeError:
                logger.warning("%s sent rules that are not JSON", relation.app.name)
                continue
            collected.update({f"{relation.app.name}/{name}": e for name, e in offered.items()})
        return collected

    def _reconcile(self, _: ops.EventBase) -> None:
        if not self.unit.is_leader():
            return
        for relation in self.model.relations["evaluator"]:
            relation.data[self.app]["rules"] = json.dumps(self.rules(), sort_keys=True)

    def _on_collect_status(self, event: ops.CollectStatusEvent) -> None:
        if not self.model.relations["evaluator"]:
            event.add_status(ops.BlockedStatus("needs an evaluator"))
        event.add_status(ops.ActiveStatus(f"{len(self.rules())} rules"))


if __name__ == "__main__":
    ops.main(AlertRelayCharm)
