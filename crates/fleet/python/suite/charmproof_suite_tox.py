"""charmproof's plugin for tox in suites of integration tests: hands on what they need.

tox hands on what its own list and the charm's name. The local Juju's data, the packed
charm and what charmproof asks of the suite are in neither.
"""

from __future__ import annotations

import os

from tox.plugin import impl

_NAMES = ("JUJU_DATA", "CHARM_PATH", "OPCLI_ARTIFACTS_BUILD_YAML", "PYTEST_ADDOPTS")


@impl
def tox_before_run_commands(tox_env) -> None:
    """Add variables; what the charm sets itself stays."""
    if tox_env.conf.name.startswith(".pkg"):
        return
    current = tox_env.environment_variables
    extra = {
        name: value
        for name, value in os.environ.items()
        if (name in _NAMES or name.startswith("CHARMPROOF_")) and name not in current
    }
    here = os.path.dirname(os.path.abspath(__file__))
    path = [part for part in current.get("PYTHONPATH", "").split(os.pathsep) if part]
    if here not in path:
        extra["PYTHONPATH"] = os.pathsep.join([*path, here])
    tox_env.conf["set_env"].update(extra, override=True)
