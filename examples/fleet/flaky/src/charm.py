#!/usr/bin/env python3
"""Charm of a weather report."""

import ops


def reading(celsius: float, unit: str) -> str:
    """A temperature as people read it."""
    if unit == "fahrenheit":
        return f"{celsius * 9 / 5 + 32:.1f} °F"
    return f"{celsius:.1f} °C"


class WeatherReportCharm(ops.CharmBase):
    """Says how warm it is."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        framework.observe(self.on.update_status, self._on_update_status)

    def measure(self) -> float:
        """What the thermometer says, in degrees Celsius."""
        return 21.0

    def _on_update_status(self, _: ops.UpdateStatusEvent) -> None:
        unit = str(self.config["unit"])
        if unit not in ("celsius", "fahrenheit"):
            self.unit.status = ops.BlockedStatus(f"no unit of temperature: {unit}")
            return
        self.unit.status = ops.ActiveStatus(reading(self.measure(), unit))


if __name__ == "__main__":
    ops.main(WeatherReportCharm)
