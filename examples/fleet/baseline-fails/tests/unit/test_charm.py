from ops import testing

from charm import SeatMapCharm


def test_counts_the_seats() -> None:
    ctx = testing.Context(SeatMapCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State())

    assert out.unit_status == testing.ActiveStatus("200 seats")


def test_blocks_on_an_empty_hall() -> None:
    ctx = testing.Context(SeatMapCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"rows": 0}))

    assert out.unit_status == testing.BlockedStatus("the hall has no seat")


def test_names_the_last_row() -> None:
    ctx = testing.Context(SeatMapCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"rows": 3}))

    # Wrong on purpose: the status does not name a row.
    assert out.unit_status == testing.ActiveStatus("60 seats, rows A to C")
