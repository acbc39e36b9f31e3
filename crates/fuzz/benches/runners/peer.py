"""How many hooks a second `ops.testing` runs. Arguments: the charm's folder, `main` file's mocks, event, seconds."""

from __future__ import annotations

import logging
import pathlib
import runpy
import sys
import time

import ops
from ops import testing


def main() -> None:
    folder, preload, event, seconds = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
    sys.path.insert(0, str(folder / "src"))
    import charm

    if preload:
        runpy.run_path(preload)
        for name, answer in (("is_installed", True), ("is_running", True)):
            # Each run is one hook of a unit that is up.
            setattr(charm.tinyproxy, name, lambda answer=answer: answer)
    charm_class = next(
        value for value in vars(charm).values() if isinstance(value, type) and issubclass(value, ops.CharmBase)
    )
    context = testing.Context(charm_class, charm_root=folder)
    state = states()[event]
    run = getattr(context.on, event.replace("-", "_"))
    began = time.perf_counter()
    best, times = float("inf"), 20
    while time.perf_counter() - began < seconds:
        batch = time.process_time()
        for _ in range(times):
            context.run(run(), state)
        best = min(best, (time.process_time() - batch) / times)
    print(1 / best)


def states() -> dict[str, testing.State]:
    container = testing.Container("guestbook", can_connect=True)
    relations = {
        testing.Relation("database", remote_app_data={"address": "10.1.2.3:5432", "name": "guestbook"}),
        testing.Relation("ingress", remote_app_data={"url": "http://guestbook.example/"}),
        testing.PeerRelation("peers"),
    }
    return {
        "update-status": testing.State(leader=True),
        "config-changed": testing.State(leader=True, containers={container}, relations=relations),
    }


if __name__ == "__main__":
    logging.raiseExceptions = False
    main()
