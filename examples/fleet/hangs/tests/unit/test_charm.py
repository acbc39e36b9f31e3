from ops import testing

from charm import JobRunnerCharm
from runner import Runner


def test_enqueue() -> None:
    ctx = testing.Context(JobRunnerCharm)

    ctx.run(ctx.on.action("enqueue", params={"job": "sweep"}), testing.State())

    assert ctx.action_results == {"waiting": 1}


def test_runs_the_next_job() -> None:
    runner = Runner()
    runner.put("sweep")

    assert runner.run_next() == "sweep"
