from ops import testing

from charm import LogShipperCharm, shipped

LINES = 600_000
WIDTH = 100


def test_level() -> None:
    ctx = testing.Context(LogShipperCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"level": "error"}))

    assert out.unit_status == testing.ActiveStatus("from error on")


def test_unknown_level() -> None:
    ctx = testing.Context(LogShipperCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"level": "loud"}))

    assert out.unit_status == testing.BlockedStatus("no level: loud")


def test_ships_a_busy_log() -> None:
    # Prints what it ships, 60 MB in all: on purpose, to fill the log of whoever runs this.
    count = 0
    for number in range(LINES):
        line = f"warning {number:06} disk is nearly full".ljust(WIDTH - 1, ".")
        if shipped(line, "info"):
            print(line)
            count += 1

    assert count == LINES
