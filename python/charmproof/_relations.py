"""The relations of one unit, as Juju shows them to it hook by hook.

Which units are there follows from the hooks: a unit is shown from its ``joined`` on and
not any more in its ``departed``, where its data can still be read. What remote units and
applications have written comes from a :class:`Remote`.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass, field
from typing import Any, Counter, Dict, List, Mapping, Optional, Tuple

from ops import testing

from charmproof._model import Charm, Hook, Sequence, Stimulus

Data = Mapping[str, str]


@dataclass(frozen=True)
class RelationInfo:
    """A relation, as far as somebody at its other end cares."""

    id: int
    endpoint: str
    """The endpoint of the charm under test."""
    remote_app: str
    """The application at the other end; the charm's own for a peer relation."""


class Remote:
    """What the other ends of relations write.

    Made with data, it answers with that data. For more, override its methods: they are
    asked once for each write.

    Args:
        app: the data of the remote application, by endpoint.
        unit: the data of each remote unit, by endpoint.
    """

    def __init__(
        self,
        app: Optional[Mapping[str, Data]] = None,
        unit: Optional[Mapping[str, Data]] = None,
    ) -> None:
        self._app = app or {}
        self._unit = unit or {}

    def app_data(self, relation: RelationInfo, writes: int) -> Data:
        """Return the remote application's data after so many writes, from 1 on."""
        return self._app.get(relation.endpoint, {})

    def unit_data(self, relation: RelationInfo, unit: str, writes: int) -> Data:
        """Return a remote unit's data after so many writes.

        With 0 writes, it is what the unit wrote before anybody joined.
        """
        return self._unit.get(relation.endpoint, {})

    def secret_content(self, secret: testing.Secret, revision: int) -> Data:
        """Return the content of a new revision of a secret that somebody else owns."""
        return {key: f"{value}-{revision}" for key, value in secret.tracked_content.items()}


class _Departing(Dict[int, Dict[str, str]]):
    """The databags of a relation, with those of a unit that leaves.

    That unit is none of the relation's units any more, and its data can still be read.
    """

    departing: Dict[int, Dict[str, str]]

    def __missing__(self, unit_number: int) -> Dict[str, str]:
        return self.departing[unit_number]


def _no_units() -> Dict[int, bool]:
    return {}


@dataclass
class _Relation:
    info: RelationInfo
    is_peer: bool
    is_container_scoped: bool
    # The remote units by number, and whether the charm may see what they have written:
    # while a unit joins, only its addresses are there.
    units: Dict[int, bool] = field(default_factory=_no_units)
    departing: Optional[int] = None
    # The remote unit that the last hook was about.
    last: Optional[int] = None


class Relations:
    """All relations of one unit."""

    def __init__(self, sequence: Sequence, unit: str, remote: Remote) -> None:
        self._charm: Charm = sequence.charm
        self._unit = unit
        self._own_app = application_of(unit) or unit
        self._remote = remote
        self._relations: Dict[int, _Relation] = {}
        self._unit_writes: Counter[Tuple[int, str]] = collections.Counter()
        # By the application that writes, where that is told.
        self._app_writes: Counter[Tuple[int, Optional[str]]] = collections.Counter()
        self._answers: Dict[Tuple[Any, ...], Dict[str, str]] = {}
        # Who will join first, for container-scoped relations: those have their one
        # remote unit from the beginning.
        self._first_to_join: Dict[int, str] = {}
        for hook in sequence.hooks:
            if hook.unit == unit and hook.relation_id is not None and hook.remote_unit:
                self._first_to_join.setdefault(hook.relation_id, hook.remote_unit)

    def happen(self, stimulus: Stimulus) -> None:
        """Count what remote units and applications write."""
        if stimulus.relation_id is None:
            return
        if stimulus.name == "remote-app-writes":
            self._app_writes[stimulus.relation_id, None] += 1
        elif stimulus.name == "remote-unit-writes" and stimulus.remote_unit is not None:
            self._unit_writes[stimulus.relation_id, stimulus.remote_unit] += 1
        elif stimulus.unit is not None and stimulus.unit != self._unit:
            # Another unit of the life does it, and the relation may be one with this unit.
            if stimulus.name == "app-writes":
                self._app_writes[stimulus.relation_id, application_of(stimulus.unit)] += 1
            elif stimulus.name == "unit-writes":
                self._unit_writes[stimulus.relation_id, stimulus.unit] += 1

    def begin(self, hook: Hook) -> None:
        """Let the relation be what it is while ``hook`` runs."""
        relation = self._of(hook)
        number = unit_number(hook.remote_unit)
        if number is not None:
            relation.last = number
        if hook.kind == "relation-joined" and number is not None:
            relation.units.setdefault(number, False)
        elif hook.kind == "relation-changed" and number is not None:
            relation.units[number] = True
        elif hook.kind == "relation-departed":
            relation.departing = number
        elif hook.kind == "relation-broken":
            relation.units.clear()

    def end(self, hook: Hook) -> None:
        """Let the relation be what it is after ``hook``, if that failed."""
        self._of(hook).departing = None

    def commit(self, hook: Hook) -> None:
        """Let what goes with ``hook`` be gone."""
        relation = self._of(hook)
        number = unit_number(hook.remote_unit)
        if hook.kind == "relation-departed" and number is not None:
            relation.units.pop(number, None)
        if hook.kind == "relation-broken":
            del self._relations[relation.info.id]

    def shown(self, state: testing.State, *, is_leader: bool) -> List[testing.RelationBase]:
        """Return all relations, with what the charm itself wrote before."""
        written = {relation.id: relation for relation in state.relations}
        return [
            self._shown(relation, written.get(relation.info.id), is_leader)
            for relation in self._relations.values()
        ]

    def a_unit_of(self, hook: Hook) -> int:
        """Return the number of some remote unit of the hook's relation."""
        return next(iter(self._of(hook).units), 0)

    def _of(self, hook: Hook) -> _Relation:
        assert hook.relation_id is not None, "every relation hook has the relation's number"
        known = self._relations.get(hook.relation_id)
        if known is not None:
            return known
        endpoint = hook.endpoint or hook.name[: -len(hook.kind) - 1]
        declared = self._charm.endpoint(endpoint)
        relation = _Relation(
            RelationInfo(hook.relation_id, endpoint, hook.remote_app or self._own_app),
            is_peer=declared is not None and declared.role == "peer",
            is_container_scoped=declared is not None and declared.scope == "container",
        )
        self._relations[hook.relation_id] = relation
        return relation

    def _shown(
        self, relation: _Relation, known: Optional[testing.RelationBase], is_leader: bool
    ) -> testing.RelationBase:
        info = relation.info
        own: Dict[str, Any] = {"endpoint": info.endpoint, "id": info.id}
        if known is not None:
            own.update(
                local_app_data=dict(known.local_app_data),
                local_unit_data=dict(known.local_unit_data),
            )
        if relation.is_peer:
            # The leader of a peer relation is who writes the application's data; while
            # that is this unit, nobody else does.
            if not is_leader and self._writes_of_app(info):
                own["local_app_data"] = self._app_data(info)
            return testing.PeerRelation(**own, peers_data=self._databags(relation))
        own.update(remote_app_name=info.remote_app, remote_app_data=self._app_data(info))
        if relation.is_container_scoped:
            number = relation.last
            if number is None:
                number = unit_number(self._first_to_join.get(info.id)) or 0
            sees_data = relation.units.get(number, False)
            return testing.SubordinateRelation(
                **own,
                remote_unit_id=number,
                remote_unit_data=self._unit_data(info, number, sees_data),
            )
        return testing.Relation(**own, remote_units_data=self._databags(relation))

    def _databags(self, relation: _Relation) -> Dict[int, Dict[str, str]]:
        data = {
            number: self._unit_data(relation.info, number, sees_data)
            for number, sees_data in sorted(relation.units.items())
        }
        if relation.departing is None:
            return data
        left = data.pop(relation.departing, None)
        databags = _Departing(data)
        databags.departing = {
            relation.departing: left or self._unit_data(relation.info, relation.departing, True)
        }
        return databags

    def _unit_data(self, info: RelationInfo, number: int, sees_data: bool) -> Dict[str, str]:
        address = f"192.0.2.{number % 254 + 1}"
        data = {
            "egress-subnets": f"{address}/32",
            "ingress-address": address,
            "private-address": address,
        }
        if sees_data:
            unit = f"{info.remote_app}/{number}"
            writes = self._unit_writes[info.id, unit]
            key = (info, unit, writes)
            if key not in self._answers:
                self._answers[key] = dict(self._remote.unit_data(info, unit, writes))
            data.update(self._answers[key])
        return data

    def _writes_of_app(self, info: RelationInfo) -> int:
        return self._app_writes[info.id, None] + self._app_writes[info.id, info.remote_app]

    def _app_data(self, info: RelationInfo) -> Dict[str, str]:
        writes = self._writes_of_app(info)
        if writes == 0:
            return {}
        key = (info, writes)
        if key not in self._answers:
            self._answers[key] = dict(self._remote.app_data(info, writes))
        return dict(self._answers[key])


def application_of(unit: Optional[str]) -> Optional[str]:
    """Return the web of ``web/3``."""
    return None if unit is None else unit.split("/")[0]


def unit_number(unit: Optional[str]) -> Optional[int]:
    """Return the 3 of ``web/3``."""
    return None if unit is None else int(unit.rsplit("/", 1)[-1])


def is_relation_hook(hook: Hook) -> bool:
    """Whether the hook is about a relation."""
    return hook.relation_id is not None and hook.kind.startswith("relation-")


