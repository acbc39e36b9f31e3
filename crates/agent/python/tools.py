"""Hook tools, called without starting a program.

`subprocess.run` of a tool's name becomes one message to the agent, which answers what the
program would have printed. Whatever else is started, and however, is started as ever: the
tools lie on PATH as well. What the kernel would refuse is refused in the same way.
"""

from __future__ import annotations

import errno
import mmap
import os
import socket
import struct
import subprocess
import threading

import network

_ARGUMENT_BYTES_MAX = 131_072
_ARGUMENTS_BYTES_MAX = 1 << 21
_FRAME_BYTES_MAX = 1 << 24
_UNSENT_BYTES_MAX = 1 << 18
_RECEIVED_BYTES_MAX = 1 << 16
_LENGTH = struct.Struct("<I")
_COUNT = struct.Struct("<H")
_REPLY = struct.Struct("<iI")
_UNDERSTOOD = {
    "input", "capture_output", "check", "timeout", "encoding", "errors", "text", "universal_newlines",
    "stdout", "stderr", "env", "cwd", "shell", "stdin",
}  # fmt: skip

_run = subprocess.run


def receive_exactly(connection: socket.socket, count: int) -> bytes | None:
    """Return so many bytes; None if the other side is gone."""
    data = connection.recv(count)
    if len(data) == count:
        return data
    parts = [data]
    missing = count - len(data)
    while missing:
        if not data:
            return None
        data = connection.recv(min(missing, 1 << 20))
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


class Agent:
    """The connection to the agent.

    Nobody waits for what is written to the log, so it is sent with what is sent next. Until then
    it lies in memory that a unit's process shares with its forks: of a hook that is killed, the
    unit's process sends the rest.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unsent = mmap.mmap(-1, _UNSENT_BYTES_MAX)
        self._end_of_unsent(_LENGTH.size)
        self._lock = threading.Lock()

    def note(self, payload: bytes) -> None:
        """Send a call that is not replied to, sooner or later."""
        frame = _LENGTH.pack(len(payload)) + payload
        with self._lock:
            (end,) = _LENGTH.unpack_from(self._unsent)
            if end + len(frame) > _UNSENT_BYTES_MAX:
                self._connection.sendall(self._taken() + frame)
            else:
                self._unsent[end : end + len(frame)] = frame
                self._end_of_unsent(end + len(frame))

    def ask(self, payload: bytes) -> tuple[int, bytes, bytes]:
        """Send a call and return what is replied: exit code, output, errors."""
        with self._lock:
            self._connection.sendall(self._taken() + _LENGTH.pack(len(payload)) + payload)
            return self._reply()

    def send(self, payload: bytes) -> None:
        """Send what is no call."""
        self._connection.sendall(self._taken() + _LENGTH.pack(len(payload)) + payload)

    def receive(self) -> bytes | None:
        """Return the next message of the agent; None at the end."""
        head = receive_exactly(self._connection, _LENGTH.size)
        return None if head is None else receive_exactly(self._connection, _LENGTH.unpack(head)[0])

    def hand_over(self, descriptors: list[int]) -> None:
        """Give the agent what was opened for it."""
        network.hand_over(self._connection, descriptors)

    def close(self) -> None:
        """Speak no more."""
        self._connection.close()

    def flush(self) -> None:
        """Send what waits, as somebody else may be about to speak with the agent."""
        unsent = self._taken()
        if unsent:
            self._connection.sendall(unsent)

    def _taken(self) -> bytes:
        (end,) = _LENGTH.unpack_from(self._unsent)
        if end == _LENGTH.size:
            return b""
        unsent = self._unsent[_LENGTH.size : end]
        self._end_of_unsent(_LENGTH.size)
        return unsent

    def _end_of_unsent(self, end: int) -> None:
        _LENGTH.pack_into(self._unsent, 0, end)

    def _reply(self) -> tuple[int, bytes, bytes]:
        # Nothing follows a reply before something else is asked, so most come in one piece.
        data = self._connection.recv(_RECEIVED_BYTES_MAX)
        if len(data) < _LENGTH.size + _REPLY.size or len(data) != _LENGTH.size + _LENGTH.unpack_from(data)[0]:
            rest = self._rest_of(data)
            if rest is None:
                return 1, b"", b"ERROR the agent is gone\n"
            data += rest
        code, length = _REPLY.unpack_from(data, _LENGTH.size)
        start = _LENGTH.size + _REPLY.size
        return code, data[start : start + length], data[start + length :]

    def _rest_of(self, data: bytes) -> bytes | None:
        if not data:
            return None
        head = b""
        if len(data) < _LENGTH.size:
            head = receive_exactly(self._connection, _LENGTH.size - len(data))
            if head is None:
                return None
        missing = _LENGTH.size + _LENGTH.unpack_from(data + head)[0] - len(data) - len(head)
        body = receive_exactly(self._connection, missing) if missing else b""
        return None if body is None else head + body


_installed: dict = {}
_speaker: Agent | None = None
"""The agent that this process speaks with, for what starts another."""


def install(agent: Agent, names: frozenset[str]) -> None:
    """Let `subprocess.run` ask the agent for the tools of these names."""
    global _speaker
    if subprocess.run is not _run:
        # Somebody put something in its place, which calls the tools as programs.
        return
    owner = os.getpid()
    _speaker = agent

    def run(*popenargs, **options):
        arguments = popenargs[0] if len(popenargs) == 1 else options.get("args")
        if not isinstance(arguments, (list, tuple)) or not arguments or not _is_tool(arguments[0], names):
            return _run(*popenargs, **options)
        # Juju's own tools need neither another environment nor another folder to answer, but a
        # call that asks for something rare had better be a real one. So had one of a process that
        # the hook forked, as two of them cannot share a connection.
        if not _UNDERSTOOD.issuperset(options.keys() - {"args"}) or options.get("shell") or options.get("stdin"):
            return _run(*popenargs, **options)
        if options.get("stdout") not in (None, subprocess.PIPE) or options.get("stderr") not in (None, subprocess.PIPE):
            return _run(*popenargs, **options)
        if any(os.fsencode(argument).startswith((b"-o", b"--output")) for argument in arguments[1:]):
            # The program itself writes the file.
            return _run(*popenargs, **options)
        if os.getpid() != owner:
            return _run(*popenargs, **options)
        return _call(agent, list(arguments), options)

    run.__name__ = run.__qualname__ = "run"
    run.__doc__ = _run.__doc__
    subprocess.run = _installed["run"] = run
    subprocess.Popen._execute_child = _execute_child
    os.system = _system


def uninstall() -> None:
    """Start programs as ever."""
    global _speaker
    _speaker = None
    if subprocess.run is _installed.pop("run", None):
        subprocess.run = _run
    if subprocess.Popen._execute_child is _execute_child:
        subprocess.Popen._execute_child = _real_execute_child
    if os.system is _system:
        os.system = _real_system


def _flush() -> None:
    if _speaker is not None:
        _speaker.flush()


def _forget() -> None:
    global _speaker
    _speaker = None


# What a hook starts may call tools itself, and is not to be heard before what came first.
_real_execute_child, _real_system = subprocess.Popen._execute_child, os.system
os.register_at_fork(before=_flush, after_in_child=_forget)


def _execute_child(*arguments, **options):
    _flush()
    return _real_execute_child(*arguments, **options)


def _system(command):
    _flush()
    return _real_system(command)


def _is_tool(program: object, names: frozenset[str]) -> bool:
    return isinstance(program, str) and (program in names or os.path.basename(program) in names)


def _call(agent: Agent, arguments: list, options: dict) -> subprocess.CompletedProcess:
    encoded = [_argument(argument, arguments[0]) for argument in arguments]
    if sum(map(len, encoded)) > _ARGUMENTS_BYTES_MAX:
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG), arguments[0])
    encoded[0] = os.path.basename(encoded[0])
    given = options.get("input")
    is_text = bool(options.get("encoding") or options.get("errors") or options.get("text") or options.get("universal_newlines"))
    encoding, errors = options.get("encoding") or "utf-8", options.get("errors") or "strict"
    if isinstance(given, str):
        given = given.encode(encoding, errors)
    # Nobody waits for what is written to the log.
    is_log = encoded[0] == b"juju-log"
    parts = [b"N" if is_log else b"T", _COUNT.pack(len(encoded))]
    for argument in encoded:
        parts.append(_LENGTH.pack(len(argument)))
        parts.append(argument)
    if given is None:
        parts.append(b"\0")
    else:
        parts.append(b"\1" + _LENGTH.pack(len(given)))
        parts.append(given)
    attached = _attachments(encoded)
    parts.append(_COUNT.pack(len(attached)))
    for path, content in attached:
        parts += [_LENGTH.pack(len(path)), path, _LENGTH.pack(len(content)), content]
    payload = b"".join(parts)
    if len(payload) > _FRAME_BYTES_MAX:
        code, out, err = 1, b"", b"ERROR too much was given to the tool\n"
    elif is_log:
        agent.note(payload)
        code, out, err = 0, b"", b""
    else:
        code, out, err = agent.ask(payload)
    captures = options.get("capture_output")
    stdout = out if captures or options.get("stdout") == subprocess.PIPE else None
    stderr = err if captures or options.get("stderr") == subprocess.PIPE else None
    if stdout is None and out:
        os.write(1, out)
    if stderr is None and err:
        os.write(2, err)
    if is_text:
        stdout = stdout if stdout is None else stdout.decode(encoding, errors).replace("\r\n", "\n")
        stderr = stderr if stderr is None else stderr.decode(encoding, errors).replace("\r\n", "\n")
    if options.get("check") and code:
        raise subprocess.CalledProcessError(code, arguments, output=stdout, stderr=stderr)
    return subprocess.CompletedProcess(arguments, code, stdout, stderr)


def _argument(argument: object, program: object) -> bytes:
    encoded = os.fsencode(argument)
    if b"\0" in encoded:
        raise ValueError("embedded null byte")
    if len(encoded) >= _ARGUMENT_BYTES_MAX:
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG), program)
    return encoded


def _attachments(arguments: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Return the files that the arguments name, which the agent cannot read itself."""
    paths = [argument.partition(b"#file=")[2] for argument in arguments if b"#file=" in argument]
    for place, argument in enumerate(arguments[:-1]):
        if argument in (b"--file", b"--k8s-resources") and arguments[place + 1] != b"-":
            paths.append(arguments[place + 1])
    found = []
    for path in paths:
        try:
            with open(path, "rb") as file:
                found.append((path, file.read()))
        except OSError:
            # The tool says that it cannot be read.
            continue
    return found


def arguments_of(payload: bytes) -> list[bytes]:
    """Return the arguments of a call."""
    (count,) = _COUNT.unpack_from(payload, 1)
    arguments, place = [], 1 + _COUNT.size
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(payload, place)
        place += _LENGTH.size
        arguments.append(payload[place : place + length])
        place += length
    return arguments
