"""A queue of jobs and the process that runs them."""

import queue
import subprocess


class Runner:
    """Runs jobs in a process of its own."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[str] = queue.Queue()
        self._done: queue.Queue[str] = queue.Queue()

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._jobs.qsize()

    def put(self, job: str) -> None:
        """Put a job at the queue's end."""
        self._jobs.put(job)

    def run_next(self) -> str:
        """Run the next job and return its name."""
        job = self._jobs.get()
        # As a daemon does it: the process outlives whoever started it.
        subprocess.Popen(["sleep", "3600"], start_new_session=True)
        # The mistake of this charm, made on purpose: nothing ever says that a job is done.
        self._done.get()
        return job
