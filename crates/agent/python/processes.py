"""Processes: forks, orphans, and ends that come late."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import time

TIMED_OUT = -1000
"""The exit code of a hook whose time was over. No signal has the number."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
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


def reap() -> None:
    """Forget the children that ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


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


def descendants(of: int) -> list[int]:
    """Return all processes below one."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    # The name in brackets may hold anything, brackets as well.
                    parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
    found: list[int] = []
    around = {of}
    while around:
        around = {pid for pid, parent in parents.items() if parent in around and pid not in found}
        found.extend(around)
    return found


def kill_tree(of: int) -> None:
    """Kill a process and all below it."""
    for pid in [of, *descendants(of)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def kill_descendants() -> None:
    """Kill all below this process. What is forked meanwhile is met in the next round."""
    for _ in range(20):
        left = descendants(os.getpid())
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        reap()
