import json

from ops import testing

from charm import AlertRelayCharm


def alerts(app: str, rules: str) -> testing.Relation:
    return testing.Relation("alerts", remote_app_name=app, remote_app_data={"rules": rules})


def test_passes_rules_on() -> None:
    ctx = testing.Context(AlertRelayCharm)
    evaluator = testing.Relation("evaluator")
    disk = alerts("storage", json.dumps({"disk-full": "free < 1"}))
    state = testing.State(
        leader=True,
        relations={evaluator, disk, alerts("web", json.dumps({"slow": "p99 > 2"}))},
    )

    out = ctx.run(ctx.on.relation_changed(disk), state)

    given = json.loads(out.get_relation(evaluator.id).local_app_data["rules"])
    assert given == {"storage/disk-full": "free < 1", "web/slow": "p99 > 2"}
    assert out.unit_status == testing.ActiveStatus("2 rules")


def test_forgets_a_departed_application() -> None:
    ctx = testing.Context(AlertRelayCharm)
    evaluator = testing.Relation("evaluator", local_app_data={"rules": '{"web/slow": "x"}'})
    web = alerts("web", json.dumps({"slow": "x"}))
    state = testing.State(leader=True, relations={evaluator, web})

    out = ctx.run(ctx.on.relation_broken(web), state)

    assert out.get_relation(evaluator.id).local_app_data["rules"] == "{}"


def test_only_the_leader_writes() -> None:
    ctx = testing.Context(AlertRelayCharm)
    evaluator = testing.Relation("evaluator")
    web = alerts("web", json.dumps({"slow": "x"}))

    out = ctx.run(ctx.on.relation_changed(web), testing.State(relations={evaluator, web}))

    assert "rules" not in out.get_relation(evaluator.id).local_app_data


def test_bad_rules_are_left_out() -> None:
    ctx = testing.Context(AlertRelayCharm)
    web = alerts("web", "not JSON")

    out = ctx.run(ctx.on.relation_changed(web), testing.State(leader=True, relations={web}))

    assert out.unit_status == testing.BlockedStatus("needs an evaluator")
    assert any("not JSON" in line.message for line in ctx.juju_log)
