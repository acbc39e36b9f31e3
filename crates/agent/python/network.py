"""What a unit's processes can connect to, and the agent answers.

The sockets are made here, in the unit's own network and files, and handed to the agent: no
process of ours runs beside the charm. Whatever is not listened at is refused by the kernel.
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
import struct

_SIOCSIFADDR, _SIOCSIFNETMASK = 0x8916, 0x891C
_BACKLOG = 64
_BUNDLE = "/run/charmproof/certificates.crt"
"""Where the surroundings say that the certificates of all authorities are."""
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")


def write(network: dict, new: str) -> list[tuple[str, str]]:
    """Let names be found and certificates be trusted. Returns what has to be shown elsewhere too."""
    if network["hosts"]:
        with open(f"{new}/etc/hosts", "a") as file:
            file.writelines(f"{address} {name}\n" for name, address in network["hosts"].items())
    if not network["authority"]:
        return []
    known = [path for path in _BUNDLES if os.path.isfile(path)]
    text = ""
    if known:
        with open(known[0]) as file:
            text = file.read()
    os.makedirs(os.path.dirname(new + _BUNDLE), exist_ok=True)
    with open(new + _BUNDLE, "w") as file:
        file.write(f"{text}\n{network['authority']}")
    return [(new + _BUNDLE, path) for path in known]


def listen(network: dict) -> tuple[list[int], list[int]]:
    """Listen at all that is asked for.

    Returns the descriptors, and the numbers of those of `network` that they are for: ports first,
    then sockets. What cannot be listened at is left out.
    """
    own = sorted({address for address, _ in network["ports"] if not address.startswith("127.")})
    for number, address in enumerate(own, 1):
        _add_address(f"lo:{number}", address)
    places: list = [(socket.AF_INET, (address, port)) for address, port in network["ports"]]
    places += [(socket.AF_UNIX, path) for path in network["sockets"]]
    descriptors, numbers = [], []
    for number, (family, place) in enumerate(places):
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.bind(place)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            continue
        descriptors.append(listener.detach())
        numbers.append(number)
    return descriptors, numbers


def hand_over(connection: socket.socket, descriptors: list[int]) -> None:
    """Give the agent what was opened, with the root of this unit, and keep none of it."""
    descriptors = [*descriptors, os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
    connection.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])
    for descriptor in descriptors:
        os.close(descriptor)


def _add_address(label: str, address: str) -> None:
    """Give the loopback one more address, of its own alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, "255.255.255.255")):
            packed = struct.pack("16sHH4s8x", label.encode(), socket.AF_INET, 0, socket.inet_aton(value))
            try:
                fcntl.ioctl(connection, request, packed)
            except OSError:
                # Nothing can be listened at there, which shows.
                return
