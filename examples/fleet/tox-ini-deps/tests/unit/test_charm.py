import pytest
from ops import testing

from charm import NightlyBackupCharm


def test_status_tells_the_plan() -> None:
    ctx = testing.Context(NightlyBackupCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"path": "/home"}))

    assert out.unit_status == testing.ActiveStatus("/home, 7 kept")


def test_blocks_when_nothing_is_kept() -> None:
    ctx = testing.Context(NightlyBackupCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"keep": 0}))

    assert out.unit_status == testing.BlockedStatus("keep must be at least 1")


def test_plan_action() -> None:
    ctx = testing.Context(NightlyBackupCharm)
    action = ctx.on.action("plan", params={"archives": "thu, wed, tue"})

    ctx.run(action, testing.State(config={"keep": 1}))

    assert ctx.action_results == {"delete": "wed,tue", "count": 2}


def test_plan_action_wants_names() -> None:
    ctx = testing.Context(NightlyBackupCharm)

    with pytest.raises(testing.ActionFailed, match="no name"):
        ctx.run(ctx.on.action("plan", params={"archives": "thu,"}), testing.State())
