from ops import testing

from charm import GalleryWebCharm


def test_needs_a_worker() -> None:
    ctx = testing.Context(GalleryWebCharm)

    out = ctx.run(ctx.on.start(), testing.State())

    assert out.unit_status == testing.BlockedStatus("needs a worker")


def test_asks_the_worker_for_sizes() -> None:
    ctx = testing.Context(GalleryWebCharm)
    worker = testing.Relation("worker")

    out = ctx.run(ctx.on.relation_joined(worker), testing.State(leader=True, relations={worker}))

    assert out.get_relation(worker.id).local_app_data == {"sizes": "320,1280"}
    assert out.unit_status == testing.ActiveStatus("without a cache")


def test_with_a_cache() -> None:
    ctx = testing.Context(GalleryWebCharm)
    state = testing.State(relations={testing.Relation("worker"), testing.Relation("cache")})

    out = ctx.run(ctx.on.update_status(), state)

    assert out.unit_status == testing.ActiveStatus()
