"""Install, configure and run tinyproxy on this machine.

Nothing here knows about Juju.
"""

import logging
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

UPSTREAM = "http://www.example.com/"
"""The site behind the proxy."""

# The package without "-bin" adds a service and a configuration of its own to this one. Both are
# the charm's to own.
#
# No version is pinned, as one revision exists in one release only: Ubuntu 22.04, Ubuntu 24.04 and
# Debian 12 each have another, and a security update replaces the one there was. All of them are
# some 1.11, and alike in what is used here.
PACKAGE = "tinyproxy-bin"
PROGRAM = "tinyproxy"

CONFIG_FILE = pathlib.Path("/etc/tinyproxy/tinyproxy.conf")
LOG_FILE = pathlib.Path("/var/log/tinyproxy/tinyproxy.log")
PID_FILE = pathlib.Path("/run/tinyproxy.pid")

_PROC = pathlib.Path("/proc")
_START_TIMEOUT = 10.0
_STOP_TIMEOUT = 10.0
_POLL_INTERVAL = 0.05


class TinyproxyError(Exception):
    """The workload did not do what it was told to."""


def is_installed() -> bool:
    """Tell whether the program is on this machine."""
    return shutil.which(PROGRAM) is not None


def install() -> None:
    """Install the package."""
    # The lists that a cloud image comes with name packages that the archive has dropped since.
    _apt_get("update")
    _apt_get("install", "--no-install-recommends", PACKAGE)


def get_version() -> str:
    """Return the version of the installed program, such as 1.11.1."""
    result = subprocess.run([PROGRAM, "-v"], check=True, capture_output=True, text=True)
    return result.stdout.removeprefix(PROGRAM).strip()


def ensure_config(port: int, slug: str) -> bool:
    """Write the configuration file, unless it already says just this.

    Returns:
        Whether the file was written, so that a running tinyproxy has to be told.
    """
    wanted = _render_config(port, slug)
    if CONFIG_FILE.exists() and CONFIG_FILE.read_text() == wanted:
        return False
    # The package makes neither of the two folders, and tinyproxy does without a log if it has to.
    CONFIG_FILE.parent.mkdir(parents=True, exist_ok=True)
    LOG_FILE.parent.mkdir(parents=True, exist_ok=True)
    CONFIG_FILE.write_text(wanted)
    return True


def start() -> None:
    """Start tinyproxy in the background and wait until it is up.

    Raises:
        TinyproxyError: if it does not come up, as when another program holds the port.
    """
    # A file left by a crash could hold a number that is another process by now.
    PID_FILE.unlink(missing_ok=True)
    # The path is absolute on purpose. A daemon works in /, and reads the file again from there.
    subprocess.run([PROGRAM, "-c", str(CONFIG_FILE.absolute())], check=True)
    # That command ends before the daemon it leaves behind has opened the port.
    if not _wait_until(is_running, _START_TIMEOUT):
        # It opens the port before the log, so a port that is taken leaves no trace there.
        raise TinyproxyError(f"tinyproxy did not start: is its port taken? See also {LOG_FILE}")


def is_running() -> bool:
    """Tell whether the tinyproxy that `start` started is alive."""
    return _running_pid() is not None


def reload_config() -> None:
    """Have the running tinyproxy read its configuration file again.

    Raises:
        TinyproxyError: if it is not running.
    """
    pid = _running_pid()
    if pid is None:
        raise TinyproxyError("tinyproxy is not running, so it cannot reload")
    os.kill(pid, signal.SIGUSR1)


def stop() -> None:
    """Stop tinyproxy and wait until it is gone. Do nothing if it is not running."""
    pid = _running_pid()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not _wait_until(lambda: not is_running(), _STOP_TIMEOUT):
            # A unit that leaves cannot wait for it forever.
            logger.warning("tinyproxy did not stop in %.0f seconds, killing it", _STOP_TIMEOUT)
            os.kill(pid, signal.SIGKILL)
    PID_FILE.unlink(missing_ok=True)


def uninstall() -> None:
    """Remove the package, and every file that this module or tinyproxy made."""
    # Juju does not send stop again if it was forced past a stop that failed.
    stop()
    if is_installed():
        _apt_get("purge", PACKAGE)
    for file in (CONFIG_FILE, LOG_FILE):
        file.unlink(missing_ok=True)
        try:
            file.parent.rmdir()
        except OSError:
            # Not there, or it holds files that somebody else put there.
            logger.debug("%s was left alone", file.parent)


def _render_config(port: int, slug: str) -> str:
    """Return the text of the configuration file."""
    return f"""\
# Written by the tinyproxy charm. Changes made here are lost.
Port {port}
PidFile "{PID_FILE}"
LogFile "{LOG_FILE}"
# Nothing rotates the log, so leave out the lines about single connections.
LogLevel Notice
# Refuse to be a forward proxy, which would be open to everybody.
ReverseOnly Yes
ReversePath "/{slug}/" "{UPSTREAM}"
"""


def _apt_get(command: str, *arguments: str) -> None:
    """Run apt-get without a person to ask. Its output goes to the log of the hook."""
    subprocess.run(
        [
            "apt-get",
            "--quiet",
            "--yes",
            # A machine that has just booted is often still busy with its own updates.
            "--option=DPkg::Lock::Timeout=300",
            command,
            *arguments,
        ],
        check=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )


def _running_pid() -> int | None:
    """Return the process id of the running tinyproxy."""
    try:
        pid = int(PID_FILE.read_text())
        # The number alone proves nothing: after a crash it may have gone to another process.
        # A process that has ended but was not waited for has an empty command line.
        program = (_PROC / str(pid) / "cmdline").read_text().split("\0")[0]
    except (OSError, ValueError):
        # No such file, no such process, or a file that tinyproxy has not finished writing.
        return None
    return pid if pathlib.PurePath(program).name == PROGRAM else None


def _wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Wait for the condition to hold. Returns whether it did in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_INTERVAL)
    return True
