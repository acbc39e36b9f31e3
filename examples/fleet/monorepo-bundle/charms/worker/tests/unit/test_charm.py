from ops import testing

from charm import UPLOAD_KEY, GalleryWorkerCharm


def test_lends_the_key() -> None:
    ctx = testing.Context(GalleryWorkerCharm)
    jobs = testing.Relation("jobs", remote_app_name="gallery", remote_app_data={"sizes": "320,64"})

    out = ctx.run(ctx.on.relation_changed(jobs), testing.State(leader=True, relations={jobs}))

    key = out.get_secret(label=UPLOAD_KEY)
    assert key.remote_grants == {jobs.id: {"gallery"}}
    assert out.get_relation(jobs.id).local_app_data["upload-key"] == key.id
    assert out.unit_status == testing.ActiveStatus("2 sizes")


def test_takes_the_key_back() -> None:
    ctx = testing.Context(GalleryWorkerCharm)
    jobs = testing.Relation("jobs", remote_app_name="gallery")
    key = testing.Secret(
        {"key": "0" * 32},
        label=UPLOAD_KEY,
        owner="app",
        remote_grants={jobs.id: {"gallery"}},
    )
    state = testing.State(leader=True, relations={jobs}, secrets={key})

    out = ctx.run(ctx.on.relation_broken(jobs), state)

    assert not out.get_secret(label=UPLOAD_KEY).remote_grants
    assert out.unit_status == testing.WaitingStatus("no gallery")


def test_others_leave_the_key_alone() -> None:
    ctx = testing.Context(GalleryWorkerCharm)
    jobs = testing.Relation("jobs", remote_app_name="gallery")

    out = ctx.run(ctx.on.relation_changed(jobs), testing.State(relations={jobs}))

    assert not list(out.secrets)
    assert out.unit_status == testing.ActiveStatus("0 sizes")
