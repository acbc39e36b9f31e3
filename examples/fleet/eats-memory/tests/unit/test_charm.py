import time

from ops import testing

from charm import MapRendererCharm, tiles

STEP = 16 * 1024**2
# A machine without limits must come out of this alive.
BOUND = 3 * 1024**3


def test_counts_tiles() -> None:
    ctx = testing.Context(MapRendererCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State())

    assert out.unit_status == testing.ActiveStatus("64 tiles")


def test_blocks_on_a_bad_zoom() -> None:
    ctx = testing.Context(MapRendererCharm)

    out = ctx.run(ctx.on.config_changed(), testing.State(config={"zoom": 13}))

    assert out.unit_status == testing.BlockedStatus("zoom is from 0 to 12")


def test_draws_deep_maps() -> None:
    drawn: list[bytes] = []
    while len(drawn) * STEP < BOUND:
        # Not zeros, for which a kernel need not find any memory.
        drawn.append(b"\x5a" * STEP)
        # A leak takes its time; without this pause it could be over between two looks at it.
        time.sleep(0.01)

    assert len(drawn) == BOUND // STEP
    assert tiles(6) == 4096
