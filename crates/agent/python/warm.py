"""The warm interpreter of one charm: imports once, and runs hooks in forks of itself.

It is started with the charm's own Python, and speaks with the agent over unix sockets. The
agent asks for units; each is a process of its own, with a root filesystem of its own where
the host allows it. A unit runs hooks in a fork for each (`fork`), all in itself (`sequence`)
or in a program that is started anew (`cold`), as Juju does.

It does not decide anything: which hook, which variables and what tools answer is the agent's.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import capture  # noqa: E402
import determinism  # noqa: E402
import inspection  # noqa: E402
import lines  # noqa: E402
import network  # noqa: E402
import processes  # noqa: E402
import root  # noqa: E402
import thrift  # noqa: E402
import tools  # noqa: E402

# A charm may have modules of these names itself.
for _name, _own in list(sys.modules.items()):
    if _name != "__main__" and os.path.dirname(getattr(_own, "__file__", None) or "") == HERE:
        sys.modules["charmproof_" + _name] = sys.modules.pop(_name)
sys.path.remove(HERE)

OUTPUT_SHOWN_BYTES = 64 * 1024
"""How much of the end of a hook's output is handed on."""


def send(agent: tools.Agent, message: object) -> None:
    """Send a message as a frame of its own kind, which no tool call has."""
    agent.send(b"J" + json.dumps(message).encode())


def receive(agent: tools.Agent) -> dict | None:
    """Return the next message of the agent; None at the end."""
    body = agent.receive()
    return None if body is None else json.loads(body)


def connect(path: str) -> tools.Agent:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    connection.set_inheritable(False)
    return tools.Agent(connection)


def main() -> None:
    settings = json.loads(sys.argv[1])
    agent = connect(settings["socket"])
    processes.die_with_parent()
    processes.adopt_orphans()
    processes.bound_memory(settings["process_bytes_max"])
    report = {"hello": "interpreter", "python": list(sys.version_info[:3])}
    refusal = root.prepare(settings)
    settings["private_root"] = refusal is None
    if refusal is not None:
        settings["import_dir"] = settings["charm_source"]
        report["bare"] = refusal
    charm = capture.Charm(settings)
    try:
        charm.load()
        report.update({"ops": charm.ops_version(), "lines": charm.lines.table(), "lines_at_import": charm.lines.news()})
        report["handlers"] = charm.lines.handlers.table()
        if processes.thread_count() > 1:
            raise capture.Unfit("it starts threads when it is imported")
    except capture.PreloadFailed as failed:
        report.update({"preload": describe(failed.__cause__)})
    except capture.Unfit as unfit:
        report.update({"cold": str(unfit)})
    except BaseException as error:  # Whatever the charm does at import.
        report.update({"cold": describe(error)})
    finally:
        os.chdir("/")
    report["modules"] = files_of(settings["watched_modules"])
    if "cold" in report or "preload" in report:
        charm = None
    else:
        warm_up(charm, settings)
        thrift.prepare()
    send(agent, report)
    serve(agent, settings, charm)


def warm_up(charm: capture.Charm, settings: dict) -> None:
    """Prepare what all hooks need. Without it, they take longer."""
    in_memory = settings["private_root"] and settings["import_dir"].startswith("/var/lib/")
    folder = "/var/lib/charmproof-warm" if in_memory else os.path.join(os.path.dirname(settings["socket"]), "warm")
    null = os.open(os.devnull, os.O_WRONLY)
    output = [os.dup(1), os.dup(2)]
    try:
        os.dup2(null, 1)
        os.dup2(null, 2)
        charm.warm_up(folder)
    except Exception as error:  # A charm may have changed ops as it likes.
        os.write(output[1], describe(error).encode())
    finally:
        for number, before in enumerate(output, 1):
            os.dup2(before, number)
            os.close(before)
        os.close(null)
        os.chdir("/")


def files_of(names: list) -> dict:
    """Return the file of each module that was imported."""
    found = {}
    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        if isinstance(file, str):
            found[name] = file
    return found


def describe(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))[-8000:]


def serve(agent: tools.Agent, settings: dict, charm: capture.Charm | None) -> None:
    """Make a process for each unit that the agent asks for, until the agent goes."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    units: set[int] = set()
    while True:
        request = receive(agent)
        ended = processes.reap()
        if not units.isdisjoint(ended):
            # A unit that was killed has ended nothing of what it had started.
            units -= ended
            units -= processes.kill_descendants_except(units)
        if request is None:
            return
        if request["forgets_lines"] and charm is not None:
            charm.lines.forget()
        unit = processes.fork()
        units.add(unit)
        if unit == 0:
            agent.close()
            try:
                Unit(settings, request, charm).serve()
            except BaseException as error:
                sys.stderr.write(describe(error))
            finally:
                processes.kill_descendants()
                os._exit(0)


class Unit:
    """One unit in one life."""

    def __init__(self, settings: dict, request: dict, charm: capture.Charm | None) -> None:
        self.settings = settings
        self.request = request
        self.charm = charm
        self.mode = request["mode"]
        self.agent = connect(request["socket"])
        processes.adopt_orphans()
        self.folder = request["charm_dir"]
        notes = root.enter(settings, request)
        self.output = os.open(request["output"], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(self.output, 1)
        os.dup2(self.output, 2)
        os.chdir(self.folder)
        self.storage = inspection.Storage(self.folder)
        listeners, numbers = network.listen(request["network"]) if settings["private_root"] else ([], [])
        send(self.agent, {"hello": "unit", "notes": notes, "listening": numbers})
        if listeners:
            # Not before they are asked for: what is read as text loses descriptors that come with it.
            receive(self.agent)
            self.agent.hand_over(listeners)

    def serve(self) -> None:
        while True:
            request = receive(self.agent)
            if request is None:
                return
            if "hook" in request:
                self.run(request["hook"])
            elif "files" in request:
                send(self.agent, {"files": inspection.files(request["files"])})
            elif "reboot" in request:
                processes.kill_descendants()
                send(self.agent, {"rebooted": True})
            elif "restore" in request:
                self.storage.restore()
                send(self.agent, {"restored": True})

    def run(self, hook: dict) -> None:
        os.lseek(self.output, 0, os.SEEK_SET)
        os.ftruncate(self.output, 0)
        mode = hook.get("mode", self.mode)
        self.storage.keep()
        started = time.perf_counter_ns()
        usage = os.times()
        if mode == "sequence" and self.charm is not None:
            # The kernel ends this process when the hook's time is over; the agent sees that.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, hook["timeout_s"])
            own = os.getpid()
            try:
                code = self.charm.run_here(hook, self.agent)
            finally:
                if os.getpid() != own:
                    # A process that the charm has forked, and that comes back as its parent does.
                    os._exit(0)
                signal.setitimer(signal.ITIMER_REAL, 0)
        elif mode == "cold" or self.charm is None:
            code = self.run_cold(hook)
        else:
            code = self.run_fork(hook)
        after = os.times()
        lines_hit = self.charm.lines.news() if self.charm is not None else []
        cpu = sum(after[:4]) - sum(usage[:4])
        end = {
            "end": code,
            "wall_us": (time.perf_counter_ns() - started) // 1000,
            "cpu_ms": round(cpu * 1000),
            "output": self.shown_output(),
            "lines": lines_hit,
        }
        if hook["looks"]:
            end["kept"] = self.storage.look()
        send(self.agent, end)

    def run_fork(self, hook: dict) -> int:
        child = processes.fork()
        if child == 0:
            code = 1
            try:
                code = self.charm.run_in_fork(hook, self.agent)
            finally:
                os._exit(code)
        return self.wait(child, hook)

    def run_cold(self, hook: dict) -> int:
        """Start the charm's own program, as Juju does."""
        child = processes.fork()
        if child == 0:
            try:
                if "terminal" in hook:
                    terminal = os.open(hook["terminal"], os.O_RDWR)
                    for number in range(3):
                        os.dup2(terminal, number)
                else:
                    os.setpgid(0, 0)
                environment = dict(hook["env"])
                environment["CHARMPROOF_DETERMINISM"] = json.dumps(
                    {"seed": hook["seed"], "clock": hook["clock"], "here": HERE, "preload": self.settings.get("preload")}
                )
                program = hook["program"]
                os.execvpe(program[0], program, environment)
            except BaseException as error:
                sys.stderr.write(describe(error))
                sys.stderr.flush()
            finally:
                os._exit(127)
        return self.wait(child, hook)

    def wait(self, child: int, hook: dict) -> int:
        """Wait for a hook; it is killed, and all that it started, when its time is over."""
        deadline = time.monotonic() + hook["timeout_s"]
        pid, status = processes.wait_until(child, deadline)
        if pid == 0:
            processes.kill_tree(child)
            os.waitpid(child, 0)
            return processes.TIMED_OUT
        return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def shown_output(self) -> str:
        size = os.fstat(self.output).st_size
        if size == 0:
            return ""
        text = os.pread(self.output, OUTPUT_SHOWN_BYTES, max(0, size - OUTPUT_SHOWN_BYTES))
        return text.decode("utf-8", "replace")


if __name__ == "__main__":
    main()
