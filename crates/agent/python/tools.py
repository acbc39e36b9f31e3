"""Hook tools, called without starting a program.

`subprocess.run` of a tool's name becomes one message to the agent, which answers what the
program would have printed. Whatever else is started, and however, is started as ever: the
tools lie on PATH as well. What the kernel would refuse is refused in the same way.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess

_ARGUMENT_BYTES_MAX = 131_072
_ARGUMENTS_BYTES_MAX = 1 << 21
_FRAME_BYTES_MAX = 1 << 24
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


def install(connection: socket.socket, names: frozenset[str]) -> None:
    """Let `subprocess.run` ask the agent for the tools of these names."""

    def run(*popenargs, **options):
        arguments = popenargs[0] if len(popenargs) == 1 else options.get("args")
        if not isinstance(arguments, (list, tuple)) or not arguments or not _is_tool(arguments[0], names):
            return _run(*popenargs, **options)
        # Juju's own tools need neither another environment nor another folder to answer, but a
        # call that asks for something rare had better be a real one.
        if not _UNDERSTOOD.issuperset(options.keys() - {"args"}) or options.get("shell") or options.get("stdin"):
            return _run(*popenargs, **options)
        if options.get("stdout") not in (None, subprocess.PIPE) or options.get("stderr") not in (None, subprocess.PIPE):
            return _run(*popenargs, **options)
        if any(os.fsencode(argument).startswith((b"-o", b"--output")) for argument in arguments[1:]):
            # The program itself writes the file.
            return _run(*popenargs, **options)
        return _call(connection, list(arguments), options)

    run.__name__ = run.__qualname__ = "run"
    run.__doc__ = _run.__doc__
    subprocess.run = run


def uninstall() -> None:
    """Start programs as ever."""
    subprocess.run = _run


def _is_tool(program: object, names: frozenset[str]) -> bool:
    return isinstance(program, str) and (program in names or os.path.basename(program) in names)


def _call(connection: socket.socket, arguments: list, options: dict) -> subprocess.CompletedProcess:
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
    else:
        connection.sendall(_LENGTH.pack(len(payload)) + payload)
        code, out, err = (0, b"", b"") if is_log else _reply(connection)
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


def _reply(connection: socket.socket) -> tuple[int, bytes, bytes]:
    head = receive_exactly(connection, 4)
    body = None if head is None else receive_exactly(connection, _LENGTH.unpack(head)[0])
    if body is None:
        return 1, b"", b"ERROR the agent is gone\n"
    code, length = _REPLY.unpack_from(body)
    start = _REPLY.size
    return code, body[start : start + length], body[start + length :]
