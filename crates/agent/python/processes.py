"""Processes: forks, orphans, and ends that come late."""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import time

TIMED_OUT = -1000
"""The exit code of a hook whose time was over. No signal has the number."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_S = 2.0
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Let the kernel end this process with the one that started it."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of what descendants leave behind, so that it can be found."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def fork() -> int:
    """Fork; the child ends with its parent."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
    return child


def bound_memory(most: int) -> None:
    """Let no process have more than so many bytes of its own: it is told, and not killed."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def reap() -> set[int]:
    """Forget the children that ended, and return them."""
    ended: set[int] = set()
    try:
        while True:
            pid = os.waitpid(-1, os.WNOHANG)[0]
            if pid == 0:
                return ended
            ended.add(pid)
    except ChildProcessError:
        return ended


def wait_until(child: int, deadline: float) -> tuple[int, int]:
    """Wait for a child. Returns (0, 0) if it does not end in time."""
    if hasattr(os, "pidfd_open"):
        try:
            handle = os.pidfd_open(child)
        except OSError:
            handle = None
        if handle is not None:
            try:
                ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            finally:
                os.close(handle)
            return os.waitpid(child, 0) if ready else (0, 0)
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return pid, status
        time.sleep(0.0005)
    return 0, 0


def thread_count() -> int:
    """Return how many threads this process has, those of extensions included."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


def parents_of_all() -> dict[int, int]:
    """Return the parent of each process that can be seen."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    # The name in brackets may hold anything, brackets as well.
                    parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
    return parents


def descendants(of: int, kept: frozenset[int] | set[int] = frozenset()) -> list[int]:
    """Return all processes below one, but these and what is below them."""
    parents = parents_of_all()
    found: list[int] = []
    around = {of}
    while around:
        around = {pid for pid, parent in parents.items() if parent in around and pid not in kept} - set(found)
        found.extend(around)
    return found


def kill_tree(of: int) -> None:
    """Kill a process and all below it."""
    _kill(lambda: [of, *descendants(of)])


def kill_descendants() -> None:
    """Kill all below this process."""
    me = os.getpid()
    _kill(lambda: descendants(me))
    reap()


def kill_descendants_except(kept: set[int]) -> set[int]:
    """Kill all below this process but these and what is below them. Returns the children that ended."""
    me = os.getpid()
    killed = _kill(lambda: descendants(me, kept))
    ended = reap()
    deadline = time.perf_counter() + _PATIENCE_S
    # They count as long as they are there, and there may be as many as there can be.
    while killed and time.perf_counter() < deadline:
        ended |= reap()
        killed = {pid for pid in killed if os.path.exists(f"/proc/{pid}")}
        select.select([], [], [], 0.002)
    return ended


def _kill(find) -> set[int]:
    """Kill what `find` finds. All are stopped first, so that none forks while others are killed."""
    stopped: set[int] = set()
    for _ in range(100):
        new = set(find()) - stopped
        if not new:
            break
        _signal(new, signal.SIGSTOP)
        stopped |= new
    _signal(stopped, signal.SIGKILL)
    return stopped


def _signal(pids: set[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue
