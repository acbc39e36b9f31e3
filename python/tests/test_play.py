"""What a charm sees while a life is played to it.

The names in comments (S1 and so on) are those of `docs/reference/python.md`.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Type

import ops
import pytest
import yaml
from charmproof import CharmproofError, Sequence
from charmproof.testing import CharmRaised, Played, PlayedHook, RelationInfo, Remote, play
from making import CHARMS, hook, life, marker, related, stimulus
from ops import testing
from probe import ProbeCharm, Seen


def played(*steps: Dict[str, Any], **settings: Any) -> Played:
    """Play these steps to the charm `probe`, to which nothing may be skipped."""
    made = {name: settings.pop(name) for name in ("platform",) if name in settings}
    done = play(testing.Context(ProbeCharm), life(*steps, **made), **settings)
    assert [str(skipped) for skipped in done.skipped] == []
    return done


def probe_context(charm: Type[ops.CharmBase], **settings: Any) -> "testing.Context[Any]":
    """Return a context of another charm that declares what `probe` does."""
    meta = yaml.safe_load((CHARMS / "probe" / "charmcraft.yaml").read_text())
    config, actions = meta.pop("config"), meta.pop("actions")
    return testing.Context(charm, meta=meta, config=config, actions=actions, **settings)


REMOTE = Remote(app={"db": {"version": "16"}}, unit={"db": {"host": "h"}})


def test_a_relation_is_there_from_created_to_broken(seen: List[Seen]) -> None:
    done = played(
        hook("install"),
        *related("created", "joined", "changed", "departed", "broken"),
        hook("update-status"),
        remote=REMOTE,
    )
    created, joined, changed, departed, broken = seen[1:-1]
    assert seen[0].relations == {}
    assert created.relations == {3: ()}
    assert joined.relations == changed.relations == {3: ("pg/0",)}
    # ops hides a relation that is broken, and shows it in the event alone.
    assert broken.relations == seen[-1].relations == {}
    assert [look.unit for look in seen[1:-1]] == [None, "pg/0", "pg/0", "pg/0", None]
    assert {look.app for look in seen[1:-1]} == {"pg"}
    assert departed.departing_unit == "pg/0"
    assert done.state.relations == frozenset()


def test_data_is_there_when_it_was_written(seen: List[Seen]) -> None:
    played(
        *related("created", "joined", "changed"),
        stimulus("remote-app-writes", relation_id=3),
        *related("changed", "departed", "broken"),
        remote=REMOTE,
    )
    # While a unit joins, only its addresses are there; when it departs, its data can
    # still be read (S1).
    unit_data = [look.unit_data for look in seen]
    assert unit_data == [None, {}, {"host": "h"}, {"host": "h"}, {"host": "h"}, None]
    assert [look.app_data for look in seen] == [{}] * 3 + [{"version": "16"}] * 3


def test_each_write_of_a_remote_is_asked_for_once() -> None:
    asked: List[str] = []

    class Counting(Remote):
        def app_data(self, relation: RelationInfo, writes: int) -> Dict[str, str]:
            asked.append(f"{relation.endpoint}:{relation.id} {relation.remote_app} {writes}")
            return {"writes": str(writes)}

        def unit_data(self, relation: RelationInfo, unit: str, writes: int) -> Dict[str, str]:
            asked.append(f"{unit} {writes}")
            return {}

    done = played(
        *related("created", "joined", "changed"),
        stimulus("remote-unit-writes", relation_id=3, remote_unit="pg/0"),
        stimulus("remote-app-writes", relation_id=3),
        stimulus("remote-app-writes", relation_id=3),
        *related("changed", "changed"),
        remote=Counting(),
    )
    assert sorted(asked) == ["db:3 pg 2", "pg/0 0", "pg/0 1"]
    relation = done.state.get_relation(3)
    assert isinstance(relation, testing.Relation)
    assert relation.remote_app_data == {"writes": "2"}


def test_a_departing_unit_is_no_unit_of_the_state_any_more() -> None:
    done = played(
        *related("created", "joined", "changed"), *related("departed", outcome="failed")
    )
    state_in = done.hooks[-1].state_in
    for state in (state_in, done.state):
        relation = state.get_relation(3)
        assert isinstance(relation, testing.Relation)
        assert list(relation.remote_units_data) == ([] if state is state_in else [0])


def test_the_application_changes_with_no_unit(seen: List[Seen]) -> None:
    for steps in (related("created"), related("created", "joined", "changed")):
        seen.clear()
        app_changed = related("changed")[0]
        del app_changed["remote_unit"]
        played(*steps, stimulus("remote-app-writes", relation_id=3), app_changed, remote=REMOTE)
        assert (seen[-1].unit, seen[-1].app) == (None, "pg")
        assert seen[-1].app_data == {"version": "16"}


def test_a_unit_that_goes_itself_is_told_so(seen: List[Seen]) -> None:
    # R43: with the own unit or application dying, it is the own unit that departs.
    played(*related("created", "joined", "changed"), *related("departed", departing_unit="probe/0"))
    assert (seen[-1].unit, seen[-1].departing_unit) == ("pg/0", "probe/0")
    assert seen[-1].unit_data == {}


def test_what_the_charm_wrote_into_a_relation_stays(seen: List[Seen]) -> None:
    done = played(*related("created", "joined", leader=True), *related("changed", leader=False))
    relation = done.state.get_relation(3)
    assert relation.local_unit_data["last"] == "db_relation_changed"
    assert relation.local_app_data == {"leader": "probe/0"}
    assert [look.is_leader for look in seen] == [True, True, False]


def peers(*hooks: str) -> List[Dict[str, Any]]:
    return related(*hooks, endpoint="replicas", relation_id=0, unit="probe/1")


def test_peers_are_units_of_the_own_application(seen: List[Seen]) -> None:
    join = {"relation_id": 0, "remote_unit": "probe/1"}
    played(
        stimulus("deploy", unit="probe/0", leader=True),
        *peers("created"),
        stimulus("remote-unit-joins", **join),
        *peers("joined", "changed"),
        stimulus("remote-unit-leaves", **join),
        *peers("departed"),
        stimulus("remove-unit", unit="probe/0"),
        hook("stop"),
    )
    # `planned_units` leaves out what is being removed (S9).
    assert [look.planned_units for look in seen] == [1, 2, 2, 1, 0]
    assert [look.relations for look in seen[:3]] == [{0: ()}, {0: ("probe/1",)}, {0: ("probe/1",)}]
    assert [look.unit for look in seen] == [None, "probe/1", "probe/1", "probe/1", None]


def test_a_container_scoped_relation_has_one_remote_unit(seen: List[Seen]) -> None:
    hooks = ("created", "joined", "changed", "departed", "broken")
    done = played(*related(*hooks, endpoint="logging", unit="wordpress/4"))
    assert [look.unit for look in seen[1:4]] == ["wordpress/4"] * 3
    relation = done.hooks[0].state_in.get_relation(3)
    assert isinstance(relation, testing.SubordinateRelation)
    assert relation.remote_unit_name == "wordpress/4"
    seen.clear()
    first = related(*hooks[:4], endpoint="logging", unit="wordpress/4")
    second = related(*hooks[1:4], endpoint="logging", unit="wordpress/5")
    played(*first, *second)
    assert [look.unit for look in seen[4:]] == ["wordpress/5"] * 3


def test_endpoints_may_have_dashes(seen: List[Seen]) -> None:
    played(*related("created", "joined", endpoint="http-api"))
    assert [look.event for look in seen] == [
        "http_api_relation_created",
        "http_api_relation_joined",
    ]


def test_storages_come_and_go(seen: List[Seen]) -> None:
    done = played(
        hook("data-storage-attached", storage_id="data/0"),
        hook("install"),
        hook("data-storage-attached", storage_id="data/7"),
        hook("data-storage-detaching", storage_id="data/0"),
        hook("stop"),
        platform="machine",
    )
    assert [look.storages for look in seen] == [
        ("data/0",),
        ("data/0",),
        ("data/0", "data/7"),
        ("data/0", "data/7"),  # It is still mounted while it is being detached (S8).
        ("data/7",),
    ]
    assert {(storage.name, storage.index) for storage in done.state.storages} == {("data", 7)}


def test_a_storage_keeps_its_files_until_it_is_detached() -> None:
    class Writes(ops.CharmBase):
        def __init__(self, framework: ops.Framework) -> None:
            super().__init__(framework)
            framework.observe(self.on.data_storage_attached, self._write)
            framework.observe(self.on.update_status, self._read)

        def _write(self, event: ops.StorageAttachedEvent) -> None:
            place = event.storage.location / "id"
            assert not place.exists()
            place.write_text(event.storage.full_id)

        def _read(self, _: ops.UpdateStatusEvent) -> None:
            [storage] = self.model.storages["data"]
            assert (storage.location / "id").read_text() == storage.full_id
            self.unit.status = ops.ActiveStatus("read")

    context = probe_context(Writes)
    short = life(
        hook("data-storage-attached", storage_id="data/0"),
        hook("update-status"),
        platform="machine",
    )
    for _ in range(2):
        # The second life does not find what the first one wrote.
        assert play(context, short).state.unit_status == testing.ActiveStatus("read")


def text(container: ops.Container, path: str) -> str:
    with container.pull(path) as file:
        return file.read()


READY = hook("workload-pebble-ready")


def test_a_container_can_be_reached_from_pebble_ready_on(seen: List[Seen]) -> None:
    played(
        hook("install"),
        READY,
        hook("start"),
        stimulus("container-restarts", unit="probe/0", container="workload"),
        hook("update-status"),
        READY,
    )
    assert [look.can_connect for look in seen] == [False, True, True, False, True]


def test_files_and_services_stay_until_the_container_restarts(seen: List[Seen]) -> None:
    played(
        READY,
        hook("start"),
        hook("config-changed"),
        stimulus("container-restarts", unit="probe/0", container="workload"),
        READY,
    )
    assert [look.files for look in seen] == [
        (),
        ("workload_pebble_ready",),
        ("start", "workload_pebble_ready"),
        (),
    ]
    assert [look.services for look in seen] == [(), ("daemon",), ("daemon",), ()]


def test_files_that_the_charm_deletes_are_gone() -> None:
    class Deletes(ops.CharmBase):
        def __init__(self, framework: ops.Framework) -> None:
            super().__init__(framework)
            framework.observe(self.on.workload_pebble_ready, self._push)
            framework.observe(self.on.start, self._delete)
            framework.observe(self.on.update_status, self._look)

        def _push(self, event: ops.PebbleReadyEvent) -> None:
            for path in ("/etc/app/a", "/etc/app/sub/b", "/top", "/cache/c"):
                event.workload.push(path, path, make_dirs=True)
            event.workload.make_dir("/empty")

        def _delete(self, _: ops.StartEvent) -> None:
            workload = self.unit.get_container("workload")
            assert workload.exists("/empty")
            assert workload.isdir("/etc/app/sub")
            assert text(workload, "/etc/app/sub/b") == "/etc/app/sub/b"
            workload.remove_path("/etc/app/sub", recursive=True)
            workload.remove_path("/top")
            workload.push("/cache/c", "changed")

        def _look(self, _: ops.UpdateStatusEvent) -> None:
            workload = self.unit.get_container("workload")
            assert workload.exists("/etc/app/a")
            assert workload.exists("/empty")
            for path in ("/etc/app/sub", "/top"):
                assert not workload.exists(path), path
            assert text(workload, "/cache/c") == "changed"

    context = probe_context(Deletes)
    done = play(context, life(READY, hook("start"), hook("update-status"), hook("update-status")))
    workload = done.state.get_container("workload")
    # Whoever looks from outside finds the files, too, and no mounts of ours.
    assert (workload.get_filesystem(context) / "cache" / "c").read_text() == "changed"
    assert workload.mounts == {}


def test_mounts_and_execs_of_the_state_are_there(tmp_path: Any) -> None:
    (tmp_path / "app.conf").write_text("from outside")

    class Reads(ops.CharmBase):
        def __init__(self, framework: ops.Framework) -> None:
            super().__init__(framework)
            for event in (self.on.workload_pebble_ready, self.on.start):
                framework.observe(event, self._read)

        def _read(self, _: ops.EventBase) -> None:
            workload = self.unit.get_container("workload")
            assert text(workload, "/etc/app/app.conf") == "from outside"
            workload.push("/etc/other", "x")
            output, _errors = workload.exec(["hostname"]).wait_output()
            assert output == "here"

    context = probe_context(Reads)
    mount = testing.Mount(location="/etc/app", source=tmp_path)
    container = testing.Container(
        "workload",
        can_connect=True,
        mounts={"conf": mount},
        execs={testing.Exec(["hostname"], stdout="here")},
    )
    state = testing.State(containers={container})
    done = play(context, life(READY, hook("start"), hook("start")), state)
    assert done.state.get_container("workload").mounts == {"conf": mount}
    assert [path.name for path in tmp_path.iterdir()] == ["app.conf"]


DEFERS = [READY, hook("update-status"), hook("config-changed")]


@pytest.mark.parametrize(
    "between",
    [
        [marker("agent-stopping"), marker("agent-started"), marker("reboot-detected")],
        [stimulus("agent-restarts", unit="probe/0")],
        [stimulus("machine-reboots", unit="probe/0")],
        [stimulus("pod-started", unit="probe/1")],
    ],
)
def test_what_the_charm_stored_outlives_its_agent(
    between: List[Dict[str, Any]], seen: List[Seen]
) -> None:
    done = played(*DEFERS, *between, hook("start"))
    assert [look.hooks_counted for look in seen] == [0, 1, 2, 3]
    assert seen[-1].files == ("config_changed", "update_status", "workload_pebble_ready")
    assert [deferred.name for deferred in done.state.deferred] == ["update_status"]


@pytest.mark.parametrize(
    "between", [[marker("new-pod")], [stimulus("pod-started", unit="probe/0"), marker("new-pod")]]
)
def test_with_a_pod_goes_what_the_charm_stored(
    between: List[Dict[str, Any]], seen: List[Seen]
) -> None:
    # S5: the containers and the database of ops are in the pod.
    done = played(*DEFERS, *related("created"), *between, hook("upgrade-charm"), READY)
    assert [look.hooks_counted for look in seen] == [0, 1, 2, 3, 0, 1]
    assert [look.can_connect for look in seen[-2:]] == [False, True]
    assert seen[-1].files == ()
    assert done.state.deferred == []
    # Relations are Juju's, and stay.
    assert seen[-1].relations == {3: ()}


def test_a_deferred_event_comes_again_in_the_next_hook() -> None:
    class Defers(ops.CharmBase):
        stored = ops.StoredState()

        def __init__(self, framework: ops.Framework) -> None:
            super().__init__(framework)
            self.stored.set_default(tries=0)
            framework.observe(self.on.config_changed, self._once_more)

        def _once_more(self, event: ops.ConfigChangedEvent) -> None:
            tries: Any = self.stored.tries
            self.stored.tries = tries + 1
            if tries < 2:
                event.defer()

    context = probe_context(Defers)
    done = play(context, life(*(hook(name) for name in ("config-changed", "start", "stop"))))
    assert [len(played.state_in.deferred) for played in done.hooks] == [0, 1, 1]
    assert done.state.deferred == []


def test_what_a_failed_hook_wrote_is_dropped(seen: List[Seen]) -> None:
    # S6; Pebble is told at once, and does not know how the hook ends.
    for outcome in ("failed", "terminated"):
        seen.clear()
        done = played(
            READY,
            *related("created", outcome=outcome),
            *related("created"),
            hook("start"),
        )
        assert [look.hooks_counted for look in seen] == [0, 1, 1, 2]
        assert seen[2].files == ("db_relation_created", "workload_pebble_ready")
        assert [hook.is_committed for hook in done.hooks] == [True, False, True, True]
        failed = done.hooks[1].state_out
        assert failed is not None
        assert failed.get_relation(3).local_unit_data["last"] == "db_relation_created"


def test_a_failed_departure_can_be_tried_again(seen: List[Seen]) -> None:
    played(
        *related("created", "joined", "changed"),
        *related("departed", outcome="failed"),
        *related("departed"),
        *related("broken", outcome="failed"),
        *related("broken"),
        remote=REMOTE,
    )
    assert [look.unit_data for look in seen[3:5]] == [{"host": "h"}] * 2
    assert [look.app for look in seen[5:]] == ["pg", "pg"]


def test_a_hook_that_juju_finds_missing_is_one_that_the_charm_does_not_observe(
    seen: List[Seen],
) -> None:
    done = played(hook("install", outcome="missing"), hook("start"))
    assert [look.hooks_counted for look in seen] == [0, 1]
    assert done.hooks[0].is_committed


def test_config_changes_as_told_and_then_no_more(seen: List[Seen]) -> None:
    change = stimulus("config-changes", application="probe")
    changed = hook("config-changed")
    of_another_unit = stimulus("config-changes", unit="probe/1")
    played(
        changed,
        *[change, changed] * 3,
        of_another_unit,
        changed,
        state=testing.State(config={"port": 8080}),
        config=[{"port": 1}, {"port": 2}],
    )
    assert [look.port for look in seen] == [8080, 1, 2, 2, 2]


def test_actions_have_parameters_and_results() -> None:
    done = played(
        hook("backup-action"),
        hook("fail-action"),
        hook("backup-action"),
        action_params={"backup": {"where": "there"}},
    )
    assert [hook.action_results for hook in done.hooks] == [
        {"where": "there"},
        None,
        {"where": "there"},
    ]
    # An action that fails leaves no error behind (A4), and what it wrote is kept.
    assert [hook.action_failure for hook in done.hooks] == [None, "as asked", None]
    assert done.errors == ()


def test_checks_of_a_life_stand_for_those_of_the_plan() -> None:
    failed = hook("workload-pebble-check-failed", check="up")
    recovered = hook("workload-pebble-check-recovered", check="up")
    statuses: List[Optional[ops.pebble.CheckStatus]] = []

    def look(played: PlayedHook) -> None:
        infos = played.state_in.get_container("workload").check_infos
        statuses.append(next((info.status for info in infos), None))

    played(READY, failed, recovered, on_hook=look)
    assert statuses == [None, ops.pebble.CheckStatus.DOWN, ops.pebble.CheckStatus.UP]

    other = hook("workload-pebble-check-failed", check="ready")
    done = play(testing.Context(ProbeCharm), life(other, READY, failed, other))
    assert [str(skipped) for skipped in done.skipped] == [
        "step 0: workload-pebble-check-failed is skipped:"
        " the plan of container workload has no check (left)",
        "step 3: workload-pebble-check-failed is skipped:"
        " the plan of container workload has no check (left)",
    ]


def test_notices_have_their_key() -> None:
    keys: List[str] = []

    class Notices(ops.CharmBase):
        def __init__(self, framework: ops.Framework) -> None:
            super().__init__(framework)
            framework.observe(self.on.workload_pebble_custom_notice, self._note)

        def _note(self, event: ops.PebbleCustomNoticeEvent) -> None:
            keys.append(f"{event.notice.id} {event.notice.key}")

    context = probe_context(Notices)
    notice = {"notice_type": "custom", "notice_key": "example.com/done"}
    play(
        context,
        life(
            hook("workload-pebble-custom-notice", notice_id="7", **notice),
            hook("workload-pebble-custom-notice", notice_id="8", **notice),
        ),
    )
    assert keys == ["7 example.com/done", "8 example.com/done"]


SECRET = {"secret_id": "secret:0"}
ADDED = stimulus("secret-added", unit="probe/0", secret_owner="unit", **SECRET)


def test_own_secrets_are_those_that_the_charm_made() -> None:
    rotate, expired = hook("secret-rotate", **SECRET), hook("secret-expired", **SECRET)
    remove = hook("secret-remove", secret_revision=1, **SECRET)
    done = play(
        testing.Context(ProbeCharm),
        life(rotate, hook("install"), ADDED, remove, rotate, expired, remove, remove),
    )
    assert [str(skipped) for skipped in done.skipped] == [
        "step 0: secret-rotate is skipped: the charm has no secret (left) that the unit owns",
        "step 3: secret-remove is skipped: all revisions that the charm made are in use",
        "step 5: secret-expired is skipped: the charm's secret does not expire",
        "step 7: secret-remove is skipped: all revisions that the charm made are in use",
    ]
    assert [played.hook.name for played in done.hooks] == [
        "install",
        "secret-rotate",
        "secret-remove",
    ]


def test_secrets_of_others_are_revised() -> None:
    contents: List[Dict[str, str]] = []

    class Consumer(ops.CharmBase):
        def __init__(self, framework: ops.Framework) -> None:
            super().__init__(framework)
            framework.observe(self.on.secret_changed, self._refresh)

        def _refresh(self, event: ops.SecretChangedEvent) -> None:
            contents.append(event.secret.get_content(refresh=True))

    context = probe_context(Consumer)
    changed = hook("secret-changed", **SECRET)
    skipped = play(context, life(changed)).skipped
    assert [str(one) for one in skipped] == [
        "step 0: secret-changed is skipped: the charm may read no secret of others:"
        " put one into `State.secrets`"
    ]
    state = testing.State(secrets={testing.Secret({"password": "p"})})
    play(context, life(changed, changed), state)
    assert contents == [{"password": "p-2"}, {"password": "p-2-3"}]


def test_hooks_that_ops_testing_lacks_are_skipped_with_a_reason() -> None:
    done = play(
        testing.Context(ProbeCharm),
        life(hook("leader-settings-changed"), hook("collect-metrics"), hook("start")),
    )
    assert [str(skipped) for skipped in done.skipped] == [
        "step 0: leader-settings-changed is skipped:"
        " ops.testing can not run leader-settings-changed",
        "step 1: collect-metrics is skipped: ops.testing can not run collect-metrics",
    ]
    assert [played.hook.name for played in done.hooks] == ["start"]


class Raises(ops.CharmBase):
    """Raises in `config-changed`, as long as there is no relation."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._configure)

    def _configure(self, _: ops.ConfigChangedEvent) -> None:
        self.unit.status = ops.ActiveStatus()
        self.model.relations["db"][0]


def test_a_charm_that_raises_is_told_with_what_led_to_it() -> None:
    context = probe_context(Raises)
    with pytest.raises(CharmRaised) as caught:
        play(context, life(hook("install"), hook("config-changed"), hook("start")))
    assert isinstance(caught.value, testing.errors.UncaughtCharmError)
    assert isinstance(caught.value.__cause__, IndexError)
    assert caught.value.played.hook.name == "config-changed"
    assert str(caught.value) == (
        "the charm raised IndexError('list index out of range') in config-changed on probe/0"
        " (step 1)\nthe hooks before were:\n  install"
    )


def test_errors_can_be_recorded() -> None:
    context = probe_context(Raises)
    steps = [hook("config-changed"), *related("created"), hook("config-changed")]
    done = play(context, life(*steps), on_error="record")
    assert [type(played.error) for played in done.hooks] == [IndexError, type(None), type(None)]
    assert [played.is_committed for played in done.hooks] == [False, True, True]
    assert done.errors == (done.hooks[0],)
    assert done.hooks[1].state_in.unit_status == testing.UnknownStatus()
    with pytest.raises(ValueError, match="'raise' or 'record', not 'ignore'"):
        play(context, life(), on_error="ignore")


def test_whoever_looks_after_each_hook_can_object() -> None:
    def object_to_start(played: PlayedHook) -> None:
        assert played.hook.name != "start"

    with pytest.raises(AssertionError) as caught:
        played(hook("install"), hook("start"), on_hook=object_to_start)
    notes = getattr(caught.value, "__notes__", ["after start on probe/0 (step 1)"])
    assert notes[-1] == "after start on probe/0 (step 1)"


def test_only_the_hooks_of_the_contexts_unit_are_played(seen: List[Seen]) -> None:
    both: Sequence = life(hook("install"), hook("start", unit="probe/1"))
    play(testing.Context(ProbeCharm), both)
    play(testing.Context(ProbeCharm, unit_id=1), both)
    assert [look.event for look in seen] == ["install", "start"]
    with pytest.raises(CharmproofError) as caught:
        play(testing.Context(ProbeCharm, app_name="other"), both)
    assert str(caught.value) == (
        "the context stands for unit other/0, and the life has probe/0, probe/1:"
        " give `app_name` and `unit_id` to the Context"
    )


def test_the_context_is_left_as_it_was() -> None:
    versions: List[str] = []

    class Versions(ops.CharmBase):
        def __init__(self, framework: ops.Framework) -> None:
            super().__init__(framework)
            versions.append(os.environ["JUJU_VERSION"])

    context = probe_context(Versions, juju_version="3.1.8")
    play(context, life(hook("install")))
    assert versions == ["3.6.5"]
    assert context.juju_version == "3.1.8"


def test_machines_and_pods_are_models_of_their_kind() -> None:
    for platform, kind in (("machine", "lxd"), ("k8s", "kubernetes")):
        assert played(hook("install"), platform=platform).state.model.type == kind


def test_other_units_of_the_life_write_as_well(seen: List[Seen]) -> None:
    remote = Remote(
        app={"replicas": {"by": "leader"}, "db": {"version": "16"}},
        unit={"replicas": {"ready": "yes"}, "db": {"host": "h"}},
    )
    writes = {"relation_id": 0, "unit": "probe/1"}
    done = played(
        *peers("created", "joined", "changed"),
        stimulus("unit-writes", **writes),
        stimulus("app-writes", **writes),
        *peers("changed"),
        *related("created", "joined", "changed"),
        # What the own leader writes is not what the remote application writes.
        stimulus("app-writes", relation_id=3, unit="probe/1"),
        *related("changed"),
        stimulus("app-writes", relation_id=3, unit="pg/0"),
        *related("changed"),
        remote=remote,
    )
    assert seen[3].unit_data == {"ready": "yes"}
    assert done.state.get_relation(0).local_app_data == {"by": "leader"}
    assert [look.app_data for look in seen[-2:]] == [{}, {"version": "16"}]


def test_a_relation_can_be_suspended_and_resumed(seen: List[Seen]) -> None:
    all_hooks = related("created", "joined", "changed", "departed", "broken")
    played(*all_hooks, *all_hooks, remote=REMOTE)
    assert [look.unit_data for look in seen[:5]] == [look.unit_data for look in seen[5:]]


def test_a_failed_hook_can_count_as_done(seen: List[Seen]) -> None:
    # R91: `juju resolved --no-retry`.
    resolved = marker("resolved-without-retry")
    played(
        *related("created", "joined", "changed"),
        *related("departed", outcome="failed"),
        resolved,
        hook("start"),
        *related("broken", outcome="failed"),
        resolved,
        hook("data-storage-attached", storage_id="data/0"),
        hook("data-storage-detaching", storage_id="data/0", outcome="failed"),
        resolved,
        hook("stop"),
    )
    assert seen[4].relations == {3: ()}
    assert (seen[-1].relations, seen[-1].storages) == ({}, ())
