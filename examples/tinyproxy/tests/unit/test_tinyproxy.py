"""Tests of the module that works on the machine, with its files and commands replaced."""

import os
import pathlib
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import tinyproxy

PID = 4321


class Machine:
    """A folder for the files, a pretended process table, and a record of what was run.

    `run` and `kill` stand in for `subprocess.run` and `os.kill`. What they do to the pretended
    processes is up to `on_run` and `on_kill`.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self.config_file = root / "etc" / "tinyproxy" / "tinyproxy.conf"
        self.log_file = root / "log" / "tinyproxy" / "tinyproxy.log"
        self.pid_file = root / "tinyproxy.pid"
        self.proc = root / "proc"
        self.commands: list[list[str]] = []
        self.options: list[dict[str, Any]] = []
        self.signals: list[tuple[int, signal.Signals]] = []
        self.stdout = ""
        self.on_run: Callable[[], None] = lambda: None
        self.on_kill: Callable[[signal.Signals], None] = lambda _: None

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        self.options.append(options)
        self.on_run()
        return subprocess.CompletedProcess(command, 0, stdout=self.stdout)

    def kill(self, pid: int, number: signal.Signals) -> None:
        self.signals.append((pid, number))
        self.on_kill(number)

    def process_appears(self, cmdline: str = "tinyproxy\0-c\0x.conf\0") -> None:
        (self.proc / str(PID)).mkdir(parents=True, exist_ok=True)
        (self.proc / str(PID) / "cmdline").write_text(cmdline)
        self.pid_file.write_text(f"{PID}\n")

    def process_ends(self) -> None:
        (self.proc / str(PID) / "cmdline").unlink()


@pytest.fixture
def machine(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(tinyproxy, "CONFIG_FILE", machine.config_file)
    monkeypatch.setattr(tinyproxy, "LOG_FILE", machine.log_file)
    monkeypatch.setattr(tinyproxy, "PID_FILE", machine.pid_file)
    monkeypatch.setattr(tinyproxy, "_PROC", machine.proc)
    monkeypatch.setattr(tinyproxy, "_START_TIMEOUT", 0.2)
    monkeypatch.setattr(tinyproxy, "_STOP_TIMEOUT", 0.2)
    monkeypatch.setattr(tinyproxy, "_POLL_INTERVAL", 0.01)
    monkeypatch.setattr(subprocess, "run", machine.run)
    monkeypatch.setattr(os, "kill", machine.kill)
    return machine


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """The program, in the one folder that is on the PATH."""
    program = tmp_path / "bin" / "tinyproxy"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return program


def test_is_installed(on_path: pathlib.Path):
    assert tinyproxy.is_installed()
    on_path.unlink()
    assert not tinyproxy.is_installed()


def test_install(machine: Machine):
    tinyproxy.install()

    update, install = machine.commands
    assert update[0] == install[0] == "apt-get"
    assert "update" in update
    assert install[-1] == "tinyproxy-bin"
    for options in machine.options:
        assert options["check"]
        assert options["env"]["DEBIAN_FRONTEND"] == "noninteractive"


@pytest.mark.parametrize("version", ["1.11.0", "1.11.1", "1.12.0-rc1"])
def test_get_version(machine: Machine, version: str):
    machine.stdout = f"tinyproxy {version}\n"

    assert tinyproxy.get_version() == version


def test_config_text(machine: Machine):
    assert tinyproxy.ensure_config(8000, "some-slug")

    lines = machine.config_file.read_text().splitlines()
    assert "Port 8000" in lines
    assert f'PidFile "{machine.pid_file}"' in lines
    assert f'LogFile "{machine.log_file}"' in lines
    assert "ReverseOnly Yes" in lines
    assert 'ReversePath "/some-slug/" "http://www.example.com/"' in lines
    # Without the folder, tinyproxy runs but writes no log.
    assert machine.log_file.parent.is_dir()


def test_config_is_written_only_when_it_differs(machine: Machine):
    assert tinyproxy.ensure_config(8000, "one")
    os.utime(machine.config_file, (0, 0))

    assert not tinyproxy.ensure_config(8000, "one")
    assert machine.config_file.stat().st_mtime == 0

    assert tinyproxy.ensure_config(8000, "two")
    assert tinyproxy.ensure_config(8001, "two")
    assert "Port 8001" in machine.config_file.read_text()


def test_config_changed_by_hand_is_written_again(machine: Machine):
    tinyproxy.ensure_config(8000, "one")
    machine.config_file.write_text("Port 1\n")

    assert tinyproxy.ensure_config(8000, "one")


def test_start(machine: Machine):
    machine.on_run = machine.process_appears

    tinyproxy.start()

    assert machine.commands == [["tinyproxy", "-c", str(machine.config_file)]]
    assert tinyproxy.is_running()


def test_start_does_not_trust_an_old_pid_file(machine: Machine):
    machine.process_appears()

    with pytest.raises(tinyproxy.TinyproxyError, match="did not start"):
        tinyproxy.start()


@pytest.mark.parametrize(
    ("cmdline", "running"),
    [
        ("tinyproxy\0-c\0x.conf\0", True),
        ("/usr/bin/tinyproxy\0", True),
        # Another process has got the number.
        ("/usr/bin/vim\0tinyproxy\0", False),
        # It has ended, but nobody has waited for it.
        ("", False),
    ],
    ids=["by-name", "by-path", "another", "ended"],
)
def test_is_running(machine: Machine, cmdline: str, running: bool):
    machine.process_appears(cmdline)

    assert tinyproxy.is_running() is running


@pytest.mark.parametrize(
    "text", ["", "not a number\n", f"{PID}\n"], ids=["empty", "garbled", "stale"]
)
def test_is_not_running(machine: Machine, text: str):
    assert not tinyproxy.is_running()
    machine.pid_file.write_text(text)
    assert not tinyproxy.is_running()


def test_reload(machine: Machine):
    machine.process_appears()

    tinyproxy.reload_config()

    assert machine.signals == [(PID, signal.SIGUSR1)]


def test_reload_when_not_running(machine: Machine):
    with pytest.raises(tinyproxy.TinyproxyError, match="not running"):
        tinyproxy.reload_config()

    assert machine.signals == []


def test_stop(machine: Machine):
    machine.process_appears()
    machine.on_kill = lambda _: machine.process_ends()

    tinyproxy.stop()

    assert machine.signals == [(PID, signal.SIGTERM)]
    assert not machine.pid_file.exists()


def test_stop_kills_what_does_not_stop(machine: Machine):
    machine.process_appears()

    tinyproxy.stop()

    assert machine.signals == [(PID, signal.SIGTERM), (PID, signal.SIGKILL)]
    assert not machine.pid_file.exists()


def test_stop_when_not_running(machine: Machine):
    machine.pid_file.write_text(f"{PID}\n")

    tinyproxy.stop()

    assert machine.signals == []
    assert not machine.pid_file.exists()


def test_uninstall(machine: Machine, on_path: pathlib.Path):
    tinyproxy.ensure_config(8000, "example")
    machine.log_file.touch()
    machine.process_appears()
    machine.on_kill = lambda _: machine.process_ends()

    tinyproxy.uninstall()

    assert machine.signals == [(PID, signal.SIGTERM)]
    [purge] = machine.commands
    assert purge[0] == "apt-get"
    assert purge[-2:] == ["purge", "tinyproxy-bin"]
    assert not machine.config_file.parent.exists()
    assert not machine.log_file.parent.exists()
    assert not machine.pid_file.exists()


def test_uninstall_twice(machine: Machine, on_path: pathlib.Path):
    on_path.unlink()

    tinyproxy.uninstall()

    assert machine.commands == []


def test_uninstall_keeps_files_of_others(machine: Machine, on_path: pathlib.Path):
    tinyproxy.ensure_config(8000, "example")
    other = machine.config_file.with_name("filter")
    other.touch()

    tinyproxy.uninstall()

    assert not machine.config_file.exists()
    assert other.exists()
