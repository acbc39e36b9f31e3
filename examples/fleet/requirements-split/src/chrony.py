"""The configuration file of the NTP daemon."""

from collections.abc import Iterable


def render(pools: Iterable[str], *, iburst: bool) -> str:
    """The file's text."""
    options = " iburst" if iburst else ""
    lines = [f"pool {pool}{options}" for pool in pools]
    return "\n".join([*lines, "driftfile /var/lib/chrony/drift", "makestep 1 3", ""])
