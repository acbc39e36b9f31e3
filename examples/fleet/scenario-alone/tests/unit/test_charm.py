from ops import ActiveStatus, BlockedStatus
from scenario import Context, Relation, State

from charm import LicenseServerCharm


def test_first_come_first_served() -> None:
    ctx = Context(LicenseServerCharm)
    first, second, third = (Relation("license") for _ in range(3))
    state = State(leader=True, relations={first, second, third})

    out = ctx.run(ctx.on.relation_changed(third), state)

    granted = [out.get_relation(r.id).local_app_data["granted"] for r in (first, second, third)]
    assert granted == ["yes", "yes", "no"]
    assert out.unit_status == BlockedStatus("1 wait for a license")


def test_a_returned_license_is_lent_again() -> None:
    ctx = Context(LicenseServerCharm)
    leaving = Relation("license", local_app_data={"granted": "yes"})
    waiting = Relation("license", local_app_data={"granted": "no"})
    state = State(leader=True, relations={leaving, waiting}, config={"seats": 1})

    out = ctx.run(ctx.on.relation_broken(leaving), state)

    assert out.get_relation(waiting.id).local_app_data["granted"] == "yes"
    assert out.unit_status == ActiveStatus("1 of 1 lent")


def test_only_the_leader_lends() -> None:
    ctx = Context(LicenseServerCharm)
    relation = Relation("license")

    out = ctx.run(ctx.on.relation_changed(relation), State(relations={relation}))

    assert "granted" not in out.get_relation(relation.id).local_app_data
    assert out.unit_status == ActiveStatus("stands by")
