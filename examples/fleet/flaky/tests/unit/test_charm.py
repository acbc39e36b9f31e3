import os
import pathlib
import time

from ops import testing

from charm import WeatherReportCharm


def the_thermometer_answers_in_time() -> bool:
    """Stand-in for a race: on purpose, it is lost about every second time."""
    counter = os.environ.get("FLAKY_COUNTER_FILE")
    if counter is None:
        # Not the lowest bits, which some clocks leave at zero.
        return time.time_ns() // 100_000 % 2 == 0
    path = pathlib.Path(counter)
    runs = int(path.read_text() or "0") if path.exists() else 0
    path.write_text(f"{runs + 1}\n")
    return runs % 2 == 0


def test_celsius() -> None:
    ctx = testing.Context(WeatherReportCharm)

    out = ctx.run(ctx.on.update_status(), testing.State())

    assert out.unit_status == testing.ActiveStatus("21.0 °C")


def test_fahrenheit() -> None:
    ctx = testing.Context(WeatherReportCharm)

    out = ctx.run(ctx.on.update_status(), testing.State(config={"unit": "fahrenheit"}))

    assert out.unit_status == testing.ActiveStatus("69.8 °F")


def test_thermometer_is_quick() -> None:
    ctx = testing.Context(WeatherReportCharm)

    with ctx(ctx.on.update_status(), testing.State()) as manager:
        assert manager.charm.measure() == 21.0
        assert the_thermometer_answers_in_time(), "the thermometer took too long"


def test_unknown_unit() -> None:
    ctx = testing.Context(WeatherReportCharm)

    out = ctx.run(ctx.on.update_status(), testing.State(config={"unit": "kelvin"}))

    assert out.unit_status == testing.BlockedStatus("no unit of temperature: kelvin")
