"""Makes small lives by hand, for tests that need one thing in a life and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

from charmproof import Sequence

CHARMS = Path(__file__).parent / "charms"

PROBE: Dict[str, Any] = {
    "name": "probe",
    "endpoints": [
        {"name": "db", "role": "requires", "interface": "postgresql", "optional": True},
        {"name": "logging", "role": "requires", "interface": "logging", "scope": "container"},
        {"name": "http-api", "role": "provides", "interface": "http"},
        {"name": "replicas", "role": "peer", "interface": "probe-peers"},
    ],
    "storages": [{"name": "data", "type": "filesystem", "multiple": "0-"}],
    "containers": ["workload"],
    "actions": ["backup", "fail"],
}


def life(*steps: Dict[str, Any], platform: str = "k8s") -> Sequence:
    """Return a life of the charm `probe` with these steps."""
    line = {
        "schema": 1,
        "juju": "3.6",
        "platform": platform,
        "charm": PROBE,
        "steps": list(steps),
    }
    return Sequence.from_json(json.dumps(line))


def hook(name: str, **about: Any) -> Dict[str, Any]:
    """Return a hook of `probe/0`, by the name that Juju gives it."""
    step: Dict[str, Any] = {"phase": "operation", "unit": "probe/0", "hook": name, "kind": name}
    for kind in ("relation-", "storage-", "pebble-"):
        subject, found, rest = name.partition(f"-{kind}")
        if found:
            step["kind"] = f"{kind}{rest}"
            key = {"relation-": "endpoint", "storage-": "storage", "pebble-": "container"}[kind]
            step[key] = subject
    if name.endswith("-action"):
        step.update(kind="action", action=name[: -len("-action")])
    step["leader"] = False
    step["outcome"] = "ok"
    step["env"] = {"JUJU_VERSION": "3.6.5"}
    step.update(about)
    return step


def stimulus(name: str, **about: Any) -> Dict[str, Any]:
    """Return something that happens."""
    return {"phase": "operation", "by": "user", "stimulus": name, **about}


def marker(name: str) -> Dict[str, Any]:
    """Return something that the agent of `probe/0` says."""
    return {"phase": "operation", "unit": "probe/0", "marker": name}


def related(
    *hooks: str, unit: str = "pg/0", endpoint: str = "db", relation_id: int = 3, **about: Any
) -> List[Dict[str, Any]]:
    """Return hooks of one relation, by the last word of their kind."""
    app = unit.split("/")[0]
    steps: List[Dict[str, Any]] = []
    for last in hooks:
        whom = {} if last in ("created", "broken") else {"remote_unit": unit}
        name = f"{endpoint}-relation-{last}"
        step = hook(name, relation_id=relation_id, remote_app=app, **whom)
        if last == "departed":
            step["departing_unit"] = unit
        steps.append({**step, **about})
    return steps
