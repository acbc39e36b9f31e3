"""What Juju shows to one unit while its hooks run.

The world begins as a state of ``ops.testing`` and follows the steps of a life: stimuli
and markers change what is true, each hook is given the state that it sees, and what the
charm wrote is taken over if the hook is committed.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Optional, Set, Union

from ops import pebble, testing

from charmproof._errors import CharmproofError
from charmproof._files import ContainerFiles, unmounted
from charmproof._model import Hook, Marker, Sequence, Stimulus
from charmproof._relations import (
    Relations,
    Remote,
    application_of,
    is_relation_hook,
    unit_number,
)
from charmproof._secrets import NoSuchSecret, Secrets

Context = testing.Context[Any]
Config = Mapping[str, Union[str, int, float, bool]]
ActionParams = Mapping[str, Mapping[str, testing.AnyJson]]


@dataclasses.dataclass(frozen=True)
class Skip:
    """Why a hook can not be played."""

    reason: str


@dataclasses.dataclass(frozen=True)
class Ready:
    """A hook that can be played."""

    event: Any
    """What ``Context.run`` takes; its type is private to ``ops.testing``."""
    state: testing.State
    context_changes: Mapping[str, Optional[str]]
    """What the hook's environment says that the event can not express, by the names that
    ``ops.JujuContext`` has for it."""
    secret: Optional[testing.Secret] = None
    secret_revision: Optional[int] = None


# The hooks whose events take no argument.
_PLAIN = {
    "config-changed",
    "install",
    "leader-elected",
    "leader-settings-changed",
    "post-series-upgrade",
    "pre-series-upgrade",
    "remove",
    "start",
    "stop",
    "update-status",
    "upgrade-charm",
}
_SECRET = {"secret-changed", "secret-expired", "secret-remove", "secret-rotate"}
_CHECK = {"pebble-check-failed", "pebble-check-recovered"}


class UnitWorld:
    """The world of one unit."""

    def __init__(
        self,
        context: Context,
        sequence: Sequence,
        unit: str,
        state: testing.State,
        config: Iterator[Config],
        remote: Remote,
        action_params: ActionParams,
    ) -> None:
        self._context = context
        self._sequence = sequence
        self._unit = unit
        self._app = application_of(unit)
        self._config = config
        self._remote = remote
        self._action_params = action_params
        self._relations = Relations(sequence, unit, remote)
        self._secrets = Secrets()
        self._files = ContainerFiles(context)
        self._storages: Dict[str, testing.Storage] = {
            f"{storage.name}/{storage.index}": storage for storage in state.storages
        }
        self._alive: Set[str] = set()
        # The hook that failed last.
        self._failed: Optional[Hook] = None
        # Which check of the charm a check of the life stands for.
        self._checks: Dict[str, Dict[str, str]] = {}
        self._new_containers = self._containers_of(state)
        self.state = self._first_state(state)

    def _containers_of(self, state: testing.State) -> Dict[str, testing.Container]:
        """Return the containers of a new pod."""
        containers = {container.name: container for container in state.containers}
        # On a machine, the charm has its containers as well, and can reach none.
        for name in self._sequence.charm.containers:
            containers.setdefault(name, testing.Container(name))
        return {
            name: dataclasses.replace(container, can_connect=False)
            for name, container in containers.items()
        }

    def _first_state(self, state: testing.State) -> testing.State:
        is_machine = self._sequence.platform == "machine"
        model = dataclasses.replace(state.model, type="lxd" if is_machine else "kubernetes")
        for container in self._new_containers.values():
            self._files.forget(container)
        return dataclasses.replace(
            state, model=model, containers=frozenset(self._new_containers.values())
        )

    def happen(self, stimulus: Stimulus) -> None:
        """Let something happen, as far as the unit's state shows it."""
        self._relations.happen(stimulus)
        self._secrets.happen(stimulus)
        self._count_units(stimulus)
        if stimulus.unit not in (None, self._unit):
            return
        if stimulus.name == "config-changes":
            changes = next(self._config, None)
            self._change(config={**self.state.config, **(changes or {})})
        elif stimulus.name == "container-restarts" and stimulus.container is not None:
            self._renew_container(stimulus.container)
        elif stimulus.name == "pod-started":
            self._renew_pod()

    def mark(self, marker: Marker) -> None:
        """Let the agent notice something."""
        if marker.unit != self._unit:
            return
        if marker.name == "new-pod":
            self._renew_pod()
        elif marker.name == "resolved-without-retry" and self._failed is not None:
            # Juju takes the hook for done, and what the charm wrote is lost all the same (R91).
            self._commit(self._failed)
            self._failed = None
            self._show()

    def begin(self, hook: Hook) -> Union[Ready, Skip]:
        """Return what ``hook`` needs to be played."""
        if hook.leader is not None:
            self._change(leader=hook.leader)
        elif hook.kind == "leader-elected":
            self._change(leader=True)
        if is_relation_hook(hook):
            self._relations.begin(hook)
        if hook.storage_id is not None and hook.storage_id not in self._storages:
            self._attach(hook.storage_id)
        if hook.container is not None and hook.kind != "action":
            self._connect(hook.container)
        self._show()
        self._change(containers=frozenset(map(self._files.mounted, self.state.containers)))
        return self._ready(hook)

    def end(self, hook: Hook, ready: Optional[Ready], after: Optional[testing.State]) -> None:
        """Take over what ``hook`` did.

        Args:
            hook: the hook that ran, or that was skipped.
            ready: what it was played with; nothing if it was skipped.
            after: the state as the charm left it; nothing if it left none.
        """
        if ready is not None:
            for container in self.state.containers:
                self._files.keep(container)
        self.state = without_files(self.state)
        if after is not None and hook.is_committed:
            self._secrets.committed(self.state, after)
            self.state = after
        elif after is not None:
            # Juju drops what a failed hook wrote (S6). Pebble knows nothing of that.
            self._change(containers=after.containers)
        if is_relation_hook(hook):
            self._relations.end(hook)
        if hook.is_committed:
            self._commit(hook)
            if ready is not None and ready.secret is not None:
                self._secrets.told(hook, ready.secret, ready.secret_revision)
        else:
            self._failed = hook
        # What is gone now is gone for everybody who looks at the state.
        self._show()

    def _commit(self, hook: Hook) -> None:
        if is_relation_hook(hook):
            self._relations.commit(hook)
        elif hook.kind == "storage-detaching" and hook.storage_id is not None:
            self._storages.pop(hook.storage_id, None)

    def _show(self) -> None:
        """Show the relations and storages that there are."""
        relations = self._relations.shown(self.state, is_leader=self.state.leader)
        storages = self._storages.values()
        self._change(relations=frozenset(relations), storages=frozenset(storages))

    def _ready(self, hook: Hook) -> Union[Ready, Skip]:
        on = self._context.on
        make = getattr(on, hook.kind.replace("-", "_"), None)
        if hook.kind in _PLAIN and make is not None:
            return self._made(make())
        if is_relation_hook(hook) and make is not None:
            return self._relation_ready(hook, make)
        if hook.kind in ("storage-attached", "storage-detaching") and hook.storage_id:
            return self._made(make(self._storages[hook.storage_id]) if make else None)
        if hook.kind in _SECRET and make is not None:
            return self._secret_ready(hook, make)
        if hook.kind == "action" and hook.action is not None:
            params = dict(self._action_params.get(hook.action, {}))
            return self._made(on.action(hook.action, params=params))
        if hook.container is not None and make is not None:
            return self._workload_ready(hook, hook.container, make)
        return Skip(f"ops.testing can not run {hook.kind}")

    def _made(self, event: Any, changes: Optional[Mapping[str, Optional[str]]] = None) -> Ready:
        return Ready(event, self.state, changes or {})

    def _relation_ready(self, hook: Hook, make: Any) -> Ready:
        assert hook.relation_id is not None, "it is a relation hook"
        relation = self.state.get_relation(hook.relation_id)
        remote_unit = unit_number(hook.remote_unit)
        if hook.kind in ("relation-created", "relation-broken"):
            return self._made(make(relation))
        if remote_unit is None:
            # It is the application that changed, and `event.unit` is to be None. The
            # event has to name some unit all the same.
            some_unit = self._relations.a_unit_of(hook)
            return self._made(make(relation, remote_unit=some_unit), {"remote_unit_name": None})
        if hook.kind != "relation-departed" or hook.departing_unit in (None, hook.remote_unit):
            return self._made(make(relation, remote_unit=remote_unit))
        # The event takes only the number of a remote unit, and it is this one that goes.
        changes = {"relation_departing_unit_name": hook.departing_unit}
        return self._made(make(relation, remote_unit=remote_unit), changes)

    def _secret_ready(self, hook: Hook, make: Any) -> Union[Ready, Skip]:
        secret = self._secrets.find(hook, self.state)
        if isinstance(secret, NoSuchSecret):
            return Skip(secret.reason)
        if hook.kind == "secret-changed":
            content = dict(self._remote.secret_content(secret, self._secrets.revise(secret)))
            revised = dataclasses.replace(secret, latest_content=content)
            others = {other for other in self.state.secrets if other.id != secret.id}
            self._change(secrets=frozenset({*others, revised}))
            return dataclasses.replace(self._made(make(revised)), secret=revised)
        revision = self._secrets.revision_for(hook, secret)
        if isinstance(revision, NoSuchSecret):
            return Skip(revision.reason)
        event = make(secret) if revision is None else make(secret, revision=revision)
        return dataclasses.replace(self._made(event), secret=secret, secret_revision=revision)

    def _workload_ready(self, hook: Hook, name: str, make: Any) -> Union[Ready, Skip]:
        container = self._container(name)
        if hook.kind == "pebble-ready":
            return self._made(make(container))
        if hook.kind == "pebble-custom-notice" and hook.notice_key is not None:
            notice = _notice(hook, hook.notice_key)
            others = [other for other in container.notices if other.key != notice.key]
            container = dataclasses.replace(container, notices=[*others, notice])
            self._put_container(container)
            return self._made(make(container, notice))
        if hook.kind in _CHECK and hook.check is not None:
            return self._check_ready(hook, container, hook.check, make)
        return Skip(f"ops.testing can not run {hook.kind}")

    def _check_ready(
        self, hook: Hook, container: testing.Container, wanted: str, make: Any
    ) -> Union[Ready, Skip]:
        checks = container.plan.checks
        stand_ins = self._checks.setdefault(container.name, {})
        if stand_ins.get(wanted) not in checks:
            free = [name for name in sorted(checks) if name not in stand_ins.values()]
            name = wanted if wanted in checks else next(iter(free), None)
            if name is None:
                return Skip(f"the plan of container {container.name} has no check (left)")
            stand_ins[wanted] = name
        check = checks[stand_ins[wanted]]
        threshold = check.threshold or 3
        is_down = hook.kind == "pebble-check-failed"
        startup = check.startup
        if startup == pebble.CheckStartup.UNSET:
            startup = pebble.CheckStartup.ENABLED
        info = testing.CheckInfo(
            check.name,
            level=pebble.CheckLevel(check.level),
            startup=startup,
            status=pebble.CheckStatus.DOWN if is_down else pebble.CheckStatus.UP,
            failures=threshold if is_down else 0,
            threshold=threshold,
        )
        others = {other for other in container.check_infos if other.name != info.name}
        container = dataclasses.replace(container, check_infos=frozenset({*others, info}))
        self._put_container(container)
        return self._made(make(container, info))

    def _attach(self, storage_id: str) -> None:
        name, index = storage_id.rsplit("/", 1)
        storage = testing.Storage(name, index=int(index))
        # Untyped, since the types of ops 2 are incomplete here.
        attached: Any = storage
        _empty(attached.get_filesystem(self._context))
        self._storages[storage_id] = storage

    def _connect(self, name: str) -> None:
        if name in self._new_containers:
            self._put_container(dataclasses.replace(self._container(name), can_connect=True))

    def _container(self, name: str) -> testing.Container:
        try:
            return self.state.get_container(name)
        except KeyError:
            raise CharmproofError(
                f"the life has hooks of container `{name}`, and neither the state nor"
                " the charm of the life has it"
            ) from None

    def _put_container(self, container: testing.Container) -> None:
        others = {other for other in self.state.containers if other.name != container.name}
        self._change(containers=frozenset({*others, container}))

    def _renew_container(self, name: str) -> None:
        """A container that starts again has lost its files and what was added to its plan."""
        if name in self._new_containers:
            self._files.forget(self._new_containers[name])
            self._put_container(self._new_containers[name])

    def _renew_pod(self) -> None:
        """With a pod go its containers and the database of ops in the charm's folder (S5)."""
        for name in self._new_containers:
            self._renew_container(name)
        self._change(deferred=[], stored_states=frozenset())

    def _count_units(self, stimulus: Stimulus) -> None:
        """Keep ``planned_units`` true, which leaves out units that are being removed (S9)."""
        before = len(self._alive)
        for unit in (stimulus.unit, stimulus.remote_unit):
            if application_of(unit) != self._app or unit is None:
                continue
            if stimulus.name in ("deploy", "remote-unit-joins"):
                self._alive.add(unit)
            elif stimulus.name in ("remove-unit", "remote-unit-leaves"):
                self._alive.discard(unit)
        if len(self._alive) != before:
            self._change(planned_units=len(self._alive))

    def _change(self, **changes: Any) -> None:
        self.state = dataclasses.replace(self.state, **changes)


def without_files(state: testing.State) -> testing.State:
    """Return the state as its author knows it: with no mounts but his own."""
    containers = frozenset(map(unmounted, state.containers))
    return dataclasses.replace(state, containers=containers)


def _notice(hook: Hook, key: str) -> testing.Notice:
    if hook.notice_id is None:
        return testing.Notice(key)
    return testing.Notice(key, id=hook.notice_id)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        else:
            path.unlink()
