#!/usr/bin/env python3
"""Charm of a job runner."""

import ops

from runner import Runner


class JobRunnerCharm(ops.CharmBase):
    """Puts jobs in the runner's queue."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.runner = Runner()
        framework.observe(self.on.enqueue_action, self._on_enqueue)

    def _on_enqueue(self, event: ops.ActionEvent) -> None:
        self.runner.put(event.params["job"])
        event.set_results({"waiting": self.runner.waiting})


if __name__ == "__main__":
    ops.main(JobRunnerCharm)
