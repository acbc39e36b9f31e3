"""Tests of the charm, one event at a time, with a workload that only pretends."""

import dataclasses
import inspect

import pytest
from ops import testing

import charm
import tinyproxy

INVALID_SLUGS = [
    "",
    "Example",
    "two words",
    "a/b",
    "../up",
    "under_score",
    "café",
    "example\n",
    '"/\nUpstream none',
]


class MockTinyproxy:
    """Stands in for the `tinyproxy` module: the same functions, and a machine that is not there.

    `calls` holds the names of the functions that act on the machine, in the order of the calls.
    """

    def __init__(self, *, installed: bool = False, slug: str = "", running: bool = False) -> None:
        self.installed = installed
        self.config = (charm.PORT, slug) if slug else None
        self.running = running
        self.calls: list[str] = []

    def install(self) -> None:
        self.calls.append("install")
        self.installed = True

    def is_installed(self) -> bool:
        return self.installed

    def get_version(self) -> str:
        assert self.installed
        return "1.11.1"

    def ensure_config(self, port: int, slug: str) -> bool:
        self.calls.append("ensure_config")
        changed = self.config != (port, slug)
        self.config = (port, slug)
        return changed

    def start(self) -> None:
        assert self.installed
        assert self.config
        self.calls.append("start")
        self.running = True

    def is_running(self) -> bool:
        return self.running

    def reload_config(self) -> None:
        assert self.running
        self.calls.append("reload_config")

    def stop(self) -> None:
        self.calls.append("stop")
        self.running = False

    def uninstall(self) -> None:
        self.calls.append("uninstall")
        self.installed = False
        self.config = None


@pytest.fixture
def ctx() -> testing.Context[charm.TinyproxyCharm]:
    return testing.Context(charm.TinyproxyCharm)


def mock_workload(
    monkeypatch: pytest.MonkeyPatch,
    *,
    installed: bool = False,
    slug: str = "",
    running: bool = False,
) -> MockTinyproxy:
    """Have the charm work on a pretended machine that is in this state."""
    workload = MockTinyproxy(installed=installed, slug=slug, running=running)
    monkeypatch.setattr(charm, "tinyproxy", workload)
    return workload


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> MockTinyproxy:
    """A machine without the workload."""
    return mock_workload(monkeypatch)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> MockTinyproxy:
    """A machine where the workload has never been started."""
    return mock_workload(monkeypatch, installed=True)


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> MockTinyproxy:
    """A machine that serves below the default slug."""
    return mock_workload(monkeypatch, installed=True, slug="example", running=True)


def test_mock_is_like_the_module():
    """Each public function has its double. Otherwise the tests here would prove little."""

    def signatures(namespace: object) -> dict[str, inspect.Signature]:
        return {
            name: inspect.signature(function)
            for name, function in inspect.getmembers(namespace, inspect.isroutine)
            if not name.startswith("_")
        }

    assert signatures(MockTinyproxy()) == signatures(tinyproxy)


@pytest.mark.parametrize("slug", ["example", "a", "0", "-", "my-site-2"])
def test_valid_slug(slug: str):
    assert charm.TinyproxyConfig(slug=slug).slug == slug


@pytest.mark.parametrize("slug", INVALID_SLUGS)
def test_invalid_slug(slug: str):
    with pytest.raises(ValueError, match="slug"):
        charm.TinyproxyConfig(slug=slug)


def test_install(ctx: testing.Context[charm.TinyproxyCharm], empty: MockTinyproxy):
    state = ctx.run(ctx.on.install(), testing.State())

    assert empty.calls == ["install"]
    assert state.workload_version == "1.11.1"
    assert ctx.unit_status_history == [
        testing.UnknownStatus(),
        testing.MaintenanceStatus("Installing tinyproxy"),
    ]
    assert state.unit_status == testing.MaintenanceStatus("Waiting for tinyproxy to start")


def test_upgrade_installs_what_is_missing(
    ctx: testing.Context[charm.TinyproxyCharm], empty: MockTinyproxy
):
    state = ctx.run(ctx.on.upgrade_charm(), testing.State())

    assert empty.calls == ["install"]
    assert state.workload_version == "1.11.1"


def test_upgrade_leaves_a_workload_that_serves_alone(
    ctx: testing.Context[charm.TinyproxyCharm], serving: MockTinyproxy
):
    state = ctx.run(ctx.on.upgrade_charm(), testing.State())

    assert serving.calls == []
    assert state.workload_version == "1.11.1"
    assert state.unit_status == testing.ActiveStatus()


def test_start(ctx: testing.Context[charm.TinyproxyCharm], installed: MockTinyproxy):
    state = ctx.run(ctx.on.start(), testing.State())

    assert installed.calls == ["ensure_config", "start"]
    assert installed.config == (8000, "example")
    assert state.workload_version == "1.11.1"
    assert state.unit_status == testing.ActiveStatus()


def test_start_after_a_reboot(ctx: testing.Context[charm.TinyproxyCharm], serving: MockTinyproxy):
    serving.running = False

    state = ctx.run(ctx.on.start(), testing.State())

    assert serving.calls == ["ensure_config", "start"]
    assert state.unit_status == testing.ActiveStatus()


def test_start_without_the_workload(
    ctx: testing.Context[charm.TinyproxyCharm], empty: MockTinyproxy
):
    state = ctx.run(ctx.on.start(), testing.State())

    assert empty.calls == []
    assert state.unit_status == testing.MaintenanceStatus("Waiting for tinyproxy to be installed")


def test_new_slug_is_reloaded(ctx: testing.Context[charm.TinyproxyCharm], serving: MockTinyproxy):
    state = ctx.run(ctx.on.config_changed(), testing.State(config={"slug": "other"}))

    assert serving.calls == ["ensure_config", "reload_config"]
    assert serving.config == (8000, "other")
    assert state.unit_status == testing.ActiveStatus()


def test_same_slug_is_not_reloaded(
    ctx: testing.Context[charm.TinyproxyCharm], serving: MockTinyproxy
):
    state = ctx.run(ctx.on.config_changed(), testing.State(config={"slug": "example"}))

    assert serving.calls == ["ensure_config"]
    assert state.unit_status == testing.ActiveStatus()


@pytest.mark.parametrize("slug", INVALID_SLUGS)
def test_invalid_at_start(
    ctx: testing.Context[charm.TinyproxyCharm], installed: MockTinyproxy, slug: str
):
    state = ctx.run(ctx.on.start(), testing.State(config={"slug": slug}))

    assert installed.calls == []
    assert isinstance(state.unit_status, testing.BlockedStatus)
    assert repr(slug) in state.unit_status.message


@pytest.mark.parametrize("slug", INVALID_SLUGS)
def test_invalid_later_keeps_serving(
    ctx: testing.Context[charm.TinyproxyCharm], serving: MockTinyproxy, slug: str
):
    state = ctx.run(ctx.on.config_changed(), testing.State(config={"slug": slug}))

    assert serving.calls == []
    assert serving.running
    assert serving.config == (8000, "example")
    assert isinstance(state.unit_status, testing.BlockedStatus)
    assert repr(slug) in state.unit_status.message


def test_recovery_from_invalid_at_start(
    ctx: testing.Context[charm.TinyproxyCharm], installed: MockTinyproxy
):
    state = ctx.run(ctx.on.start(), testing.State(config={"slug": "Bad"}))
    # Whatever else happens in between, the unit says what is wrong with it.
    state = ctx.run(ctx.on.update_status(), state)
    assert isinstance(state.unit_status, testing.BlockedStatus)

    state = ctx.run(ctx.on.config_changed(), dataclasses.replace(state, config={"slug": "good"}))

    assert installed.calls == ["ensure_config", "start"]
    assert installed.config == (8000, "good")
    assert state.unit_status == testing.ActiveStatus()


@pytest.mark.parametrize(
    ("slug", "calls"),
    [
        ("example", ["ensure_config"]),
        ("other", ["ensure_config", "reload_config"]),
    ],
)
def test_recovery_from_invalid_later(
    ctx: testing.Context[charm.TinyproxyCharm],
    serving: MockTinyproxy,
    slug: str,
    calls: list[str],
):
    state = ctx.run(ctx.on.config_changed(), testing.State(config={"slug": "Bad"}))

    state = ctx.run(ctx.on.config_changed(), dataclasses.replace(state, config={"slug": slug}))

    assert serving.calls == calls
    assert serving.config == (8000, slug)
    assert state.unit_status == testing.ActiveStatus()


def test_workload_that_died_is_reported(
    ctx: testing.Context[charm.TinyproxyCharm], serving: MockTinyproxy
):
    serving.running = False

    state = ctx.run(ctx.on.update_status(), testing.State())

    assert state.unit_status == testing.MaintenanceStatus("Waiting for tinyproxy to start")


def test_stop(ctx: testing.Context[charm.TinyproxyCharm], serving: MockTinyproxy):
    state = ctx.run(ctx.on.stop(), testing.State())

    assert serving.calls == ["stop"]
    assert state.unit_status == testing.MaintenanceStatus("Waiting for tinyproxy to start")


def test_remove(ctx: testing.Context[charm.TinyproxyCharm], installed: MockTinyproxy):
    state = ctx.run(ctx.on.remove(), testing.State())

    assert installed.calls == ["uninstall"]
    assert state.unit_status == testing.MaintenanceStatus("Waiting for tinyproxy to be installed")


def test_a_unit_from_deploy_to_remove(
    ctx: testing.Context[charm.TinyproxyCharm], empty: MockTinyproxy
):
    """The order that Juju keeps to: config-changed comes once before start."""
    state = testing.State()
    for event in (
        ctx.on.install(),
        ctx.on.config_changed(),
        ctx.on.start(),
        ctx.on.update_status(),
        ctx.on.stop(),
        ctx.on.remove(),
    ):
        state = ctx.run(event, state)

    assert [call for call in empty.calls if call != "ensure_config"] == [
        "install",
        "start",
        "stop",
        "uninstall",
    ]
