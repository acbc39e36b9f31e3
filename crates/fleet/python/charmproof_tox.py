"""charmproof's plugin for tox: the swap after the install, before the tests.

The charm's own settings stay: variables are added, never taken away, and the swap is
one more step at the end of ``commands_pre`` (and after any command that installs
again). Found by any tox, a re-provisioned one too, because its folder is on
``PYTHONPATH``.
"""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

from tox.plugin import impl

_HERE = Path(__file__).resolve().parent
_INSTALLING = {
    "uv": {"sync", "pip", "add"},
    "poetry": {"install", "sync", "add", "update"},
    "pip": {"install"},
}


def _unit() -> dict:
    return json.loads((_HERE / "unit.json").read_text(encoding="utf-8"))


def _emit(unit: dict, record: dict) -> None:
    with open(unit["evidence"], "a", encoding="utf-8") as handle:
        handle.write(json.dumps(record, sort_keys=True) + "\n")


def _installs(words: list[str]) -> bool:
    """Tell whether a command may put the charm's own version back."""
    name = os.path.basename(words[0]) if words else ""
    if name.startswith("python") and words[1:3] and words[1] == "-m":
        name, words = words[2], words[2:]
    wanted = _INSTALLING.get("pip" if name.startswith("pip") else name)
    return bool(wanted) and any(word in wanted for word in words[1:3])


def _hand_on_variables() -> None:
    """Make tox hand on the variables that say where packages and caches are.

    tox hands on what its own list and the charm's name, at the install as well as in
    the commands. What the charm refuses (``disallow_pass_env``) stays refused.
    """
    from tox.tox_env.api import ToxEnv

    original = getattr(ToxEnv, "_load_pass_env", None)
    if original is None or getattr(original, "charmproof", False):
        return
    names = _unit().get("passed_on", [])

    def load(pass_env):
        result = original(pass_env)
        for name in names:
            if name in os.environ:
                result.setdefault(name, os.environ[name])
        return result

    load.charmproof = True
    ToxEnv._load_pass_env = staticmethod(load)


try:
    _hand_on_variables()
except Exception:  # noqa: BLE001 - another tox may be built differently; it then hands on less.
    pass


@impl
def tox_add_env_config(env_conf, state) -> None:
    """Lift a base Python that is below what the swapped packages accept."""
    lifts = _unit().get("base_python", {})
    if not lifts:
        return
    from tox.config.loader.memory import MemoryLoader

    for loader in list(env_conf.loaders):
        try:
            raw = loader.load_raw("base_python", state.conf, env_conf.env_name)
        except KeyError:
            try:
                raw = loader.load_raw("basepython", state.conf, env_conf.env_name)
            except KeyError:
                continue
        text = raw if isinstance(raw, str) else " ".join(raw)
        if text.strip() in lifts:
            env_conf.loaders.insert(0, MemoryLoader(base_python=[lifts[text.strip()]]))
            return


@impl
def tox_before_run_commands(tox_env) -> None:
    """Add the swap and the requested variables."""
    from tox.config.types import Command

    unit = _unit()
    if not hasattr(tox_env, "session") and tox_env.conf.name.startswith(".pkg"):
        return
    env_dir = str(tox_env.conf["env_dir"])
    shims = unit["shims"]
    tox_env.conf["allowlist_externals"].extend([unit["charmproof"], shims + "/*"])

    swap = Command([unit["charmproof"], "__swap", "--unit", str(_HERE / "unit.json"), "--prefix", env_dir])
    for key in ("commands_pre", "commands"):
        commands = tox_env.conf[key]
        rewritten = []
        for command in commands:
            words = list(command.args)
            name = os.path.basename(words[0]) if words else ""
            if name in ("uv", "uvx", "poetry") and not words[0].startswith(shims):
                command = Command(
                    (["-"] if command.ignore_exit_code else [])
                    + (["!"] if command.invert_exit_code else [])
                    + [os.path.join(shims, name)]
                    + words[1:]
                )
            rewritten.append(command)
            if _installs(words):
                rewritten.append(swap)
        if key == "commands_pre":
            rewritten.append(swap)
        commands[:] = rewritten

    extra = dict(unit.get("environment", {}))
    current = tox_env.environment_variables
    if "PYTEST_ADDOPTS" in extra and current.get("PYTEST_ADDOPTS"):
        extra["PYTEST_ADDOPTS"] = current["PYTEST_ADDOPTS"] + " " + extra["PYTEST_ADDOPTS"]
    if unit.get("werror"):
        own = current.get("PYTHONWARNINGS", "")
        # The first filter has the lowest priority: the charm's own come after.
        extra["PYTHONWARNINGS"] = "error" + ("," + own if own else "")
    own_path = current.get("PYTHONPATH", "")
    if str(_HERE) not in own_path.split(os.pathsep):
        extra["PYTHONPATH"] = (own_path + os.pathsep if own_path else "") + str(_HERE)
    set_env = tox_env.conf["set_env"]
    set_env.update(extra, override=True)
    _emit(
        unit,
        {
            "event": "tox-begin",
            "environment": tox_env.conf.name,
            "env_dir": env_dir,
            "commands": [c.shell for c in tox_env.conf["commands"]],
        },
    )


@impl
def tox_after_run_commands(tox_env, exit_code, outcomes) -> None:
    """Record every command with its exit status."""
    unit = _unit()
    commands = []
    for outcome in outcomes:
        words = [str(w) for w in outcome.request.cmd]
        if unit["charmproof"] in words:
            continue
        # The charm wrote `uv`, and the place of the shim differs from run to run.
        if os.path.dirname(words[0]) == unit["shims"]:
            words[0] = os.path.basename(words[0])
        commands.append({"command": " ".join(shlex.quote(w) for w in words), "exit_code": int(outcome.exit_code)})
    _emit(
        unit,
        {"event": "tox-end", "environment": tox_env.conf.name, "exit_code": int(exit_code), "commands": commands},
    )
