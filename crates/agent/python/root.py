"""A root filesystem for one unit: nothing that a charm writes reaches the host.

System folders are shown read-only, all others begin empty, and the charm lies where Juju
puts it. It needs user namespaces; without them a unit sees the host, and says so.
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import os
import shutil
import socket
import stat
import struct

import network

_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "armv7l": 218, "ppc64le": 203, "s390x": 217, "riscv64": 41}
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1

_SIZE = "size=512m,nr_inodes=200k,mode=755"
_SHARED_MEMORY_SIZE = "size=64m,nr_inodes=10k,mode=1777"
_SYSTEM = ("/usr", "/proc", "/dev", "/sys")
_LINKED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_EMPTY = (
    "/etc", "/var/lib", "/var/log", "/var/cache", "/var/tmp", "/run/lock", "/root", "/home", "/opt",
    "/srv", "/tmp", "/mnt", "/media", "/snap",
)  # fmt: skip
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "pts")
_DEVICE_LINKS = (
    ("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
)  # fmt: skip
_FROM_ETC = (
    "alternatives", "ssl", "ca-certificates", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
    "nsswitch.conf", "services", "protocols", "mime.types", "os-release", "debian_version", "login.defs",
)  # fmt: skip

_DEVELOPER_TOOLS = frozenset(
    "ansible buildah cargo cmake composer dotnet elixir gem gh go gradle helm jdk k3s k9s kubectl microk8s minikube "
    "mvn node nodejs npm npx pip pip3 pipx poetry rails rustc rustup terraform tox uv uvx virtualenv yarn".split()
)
"""Programs that no base brings and the host of a developer does. A unit does not see them.

What a package brings is left: the real program serves a charm better than a stand-in.
"""
_PROGRAMS = ("/usr/bin", "/usr/sbin")
_LOCAL = "/usr/local"

_NOBODY, _NO_LOGIN = 65534, "/usr/sbin/nologin"
_USERS = (
    ("root", 0, 0, "/root", "/bin/bash"),
    ("daemon", 1, 1, "/usr/sbin", _NO_LOGIN),
    ("bin", 2, 2, "/bin", _NO_LOGIN),
    ("sys", 3, 3, "/dev", _NO_LOGIN),
    ("sync", 4, _NOBODY, "/bin", "/bin/sync"),
    ("games", 5, 60, "/usr/games", _NO_LOGIN),
    ("man", 6, 12, "/var/cache/man", _NO_LOGIN),
    ("lp", 7, 7, "/var/spool/lpd", _NO_LOGIN),
    ("mail", 8, 8, "/var/mail", _NO_LOGIN),
    ("news", 9, 9, "/var/spool/news", _NO_LOGIN),
    ("uucp", 10, 10, "/var/spool/uucp", _NO_LOGIN),
    ("proxy", 13, 13, "/bin", _NO_LOGIN),
    ("www-data", 33, 33, "/var/www", _NO_LOGIN),
    ("backup", 34, 34, "/var/backups", _NO_LOGIN),
    ("list", 38, 38, "/var/list", _NO_LOGIN),
    ("irc", 39, 39, "/run/ircd", _NO_LOGIN),
    ("_apt", 42, _NOBODY, "/nonexistent", _NO_LOGIN),
    ("nobody", _NOBODY, _NOBODY, "/nonexistent", _NO_LOGIN),
    ("ubuntu", 1000, 1000, "/home/ubuntu", "/bin/bash"),
)
"""The users that every Ubuntu has: packages run their services as some of them."""
_GROUPS = (
    ("root", 0, ""), ("daemon", 1, ""), ("bin", 2, ""), ("sys", 3, ""), ("adm", 4, "ubuntu"), ("tty", 5, ""),
    ("disk", 6, ""), ("lp", 7, ""), ("mail", 8, ""), ("news", 9, ""), ("uucp", 10, ""), ("man", 12, ""),
    ("proxy", 13, ""), ("kmem", 15, ""), ("dialout", 20, ""), ("cdrom", 24, ""), ("sudo", 27, "ubuntu"),
    ("audio", 29, ""), ("dip", 30, ""), ("www-data", 33, ""), ("backup", 34, ""), ("operator", 37, ""),
    ("list", 38, ""), ("irc", 39, ""), ("src", 40, ""), ("shadow", 42, ""), ("utmp", 43, ""), ("video", 44, ""),
    ("plugdev", 46, ""), ("staff", 50, ""), ("games", 60, ""), ("users", 100, ""), ("nogroup", _NOBODY, ""),
    ("ubuntu", 1000, ""),
)  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    result = _libc.mount(
        source.encode() if source else None,
        target.encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode() if data else None,
    )
    _check(result, f"mount {target}")


def prepare(settings: dict) -> str | None:
    """Become the root of a namespace of its own, and show the charm where its first unit has it.

    Returns why that is not possible here, or None.
    """
    user, group = os.getuid(), os.getgid()
    for folder in _PROGRAMS:
        # Once, for all units that are forked from here.
        _tools_of(folder)
    try:
        # What a charm does when it is imported reaches the network as little as a hook does.
        _check(_libc.unshare(_NEWUSER | _NEWNS | _NEWNET | _NEWIPC), "make a user namespace")
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        _mount(None, "/", None, _REC | _PRIVATE)
        _lay_devices()
        if not settings["import_dir"].startswith("/var/lib/"):
            return None
        _mount("tmpfs", "/var/lib", "tmpfs", 0, _SIZE)
        os.makedirs(settings["import_dir"])
        _mount(settings["charm_source"], settings["import_dir"], None, _BIND)
    except OSError as error:
        return str(error)
    return None


def enter(settings: dict, request: dict) -> list[str]:
    """Give this process a root of its own. Returns what could not be had."""
    if not settings["private_root"]:
        _copy_charm(settings, request)
        return ["no private root filesystem"]
    _check(_libc.unshare(_NEWNS | _NEWNET | _NEWUTS | _NEWIPC), "unshare")
    notes: list[str] = []
    _mount(None, "/", None, _REC | _PRIVATE)
    new = request["root"]
    os.makedirs(new, exist_ok=True)
    _mount("tmpfs", new, "tmpfs", 0, _SIZE)
    for path in _SYSTEM:
        _bind(path, new)
    for path in _LINKED:
        if os.path.islink(path):
            os.symlink(os.readlink(path), new + path)
        elif os.path.isdir(path):
            _bind(path, new)
    # What one unit leaves in shared memory is nothing that another finds.
    _make_read_only(new + "/dev")
    _mount("tmpfs", new + "/dev/shm", "tmpfs", _NOSUID | _NODEV, _SHARED_MEMORY_SIZE)
    for path in _EMPTY:
        os.makedirs(new + path)
    os.chmod(new + "/tmp", 0o1777)
    os.chmod(new + "/var/tmp", 0o1777)
    os.symlink("/run", new + "/var/run")
    _write_etc(new, request["host_name"])
    shown = network.write(request["network"], new)
    for path in settings["visible"]:
        if os.path.exists(path) and not path.startswith("/usr/"):
            _bind(path, new)
    os.makedirs(new + "/charm")
    for path, text in request["files"].items():
        os.makedirs(os.path.dirname(new + path), exist_ok=True)
        with open(new + path, "w") as file:
            file.write(text)
    for source, target in request["binds"]:
        _bind(source, new, target)
        # These lie on the host's disk; sockets in them can be reached all the same.
        _make_read_only(new + target)
    for source, path in shown:
        _mount(source, new + path, None, _BIND)
    if not any(f"{path}/".startswith(_LOCAL + "/") for path in settings["visible"]):
        # Whoever runs the host has put there what they like.
        _mount("tmpfs", new + _LOCAL, "tmpfs", 0, _SIZE)
        for name in ("bin", "sbin", "lib", "share", "etc"):
            os.mkdir(f"{new}{_LOCAL}/{name}")
    _lay_programs(request["stand_ins"], new)
    notes += _lay_charm(settings, request, new)
    os.chdir(new)
    _check(_libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _DETACH), "umount")
    os.chdir("/")
    socket.sethostname(request["host_name"])
    _start_loopback()
    return notes


def _lay_devices() -> None:
    """Show the devices that every program may use, and none of the host's disks.

    Whoever runs this as root owns those, and the charm is root.
    """
    # Nobody else mounts here: the interpreter has its namespace for itself.
    aside = "/proc/self/fd/"
    kept = [(name, os.open("/dev/" + name, os.O_PATH)) for name in _DEVICES if os.path.exists("/dev/" + name)]
    _mount("tmpfs", "/dev", "tmpfs", _NOSUID, "size=1m,mode=755")
    for name, handle in kept:
        target = "/dev/" + name
        if name == "pts":
            os.mkdir(target)
        else:
            open(target, "w").close()
        _mount(aside + str(handle), target, None, _BIND | _REC)
        os.close(handle)
    for name, leads_to in _DEVICE_LINKS:
        os.symlink(leads_to, "/dev/" + name)
    os.mkdir("/dev/shm")
    _mount("tmpfs", "/dev/shm", "tmpfs", _NOSUID | _NODEV, _SHARED_MEMORY_SIZE)


def _make_read_only(target: str) -> None:
    # What the mount was already must stay as it was, or the kernel refuses.
    kept = os.statvfs(target).f_flag & (_NOSUID | _NODEV | _NOEXEC)
    _mount(None, target, None, _REMOUNT | _BIND | _RDONLY | kept)


def _bind(path: str, new: str, target: str | None = None) -> None:
    target = new + (target or path)
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            open(target, "w").close()
    _mount(path, target, None, _BIND | _REC)


def _write_etc(new: str, host_name: str) -> None:
    files = {
        "passwd": "".join(f"{name}:x:{user}:{group}:{name}:{home}:{shell}\n" for name, user, group, home, shell in _USERS),
        "group": "".join(f"{name}:x:{number}:{members}\n" for name, number, members in _GROUPS),
        "hostname": host_name + "\n",
        "hosts": f"127.0.0.1 localhost\n127.0.1.1 {host_name}\n",
        "resolv.conf": "",
        "machine-id": "0123456789abcdef0123456789abcdef\n",
    }
    for name, text in files.items():
        with open(f"{new}/etc/{name}", "w") as file:
            file.write(text)
    for folder in ("systemd/system", "apt/sources.list.d", "default", "cron.d", "logrotate.d", "sudoers.d", "profile.d"):
        os.makedirs(f"{new}/etc/{folder}", exist_ok=True)
    for name in _FROM_ETC:
        if os.path.exists(f"/etc/{name}"):
            _bind(f"/etc/{name}", new)


def _lay_programs(stand_ins: list[str] | None, new: str) -> None:
    """Put stand-ins where `PATH` has them and in the place of the host's own, and hide tools."""
    names: list[str] = []
    if stand_ins:
        source, target = stand_ins
        shutil.copytree(source, new + target, symlinks=True)
        names = [name for name in os.listdir(source) if not name.startswith(".")]
        _layer("/usr/bin", {name: f"{target}/{name}" for name in names if not os.path.lexists("/usr/bin/" + name)}, names, new)
    else:
        _layer("/usr/bin", {}, names, new)
    _layer("/usr/sbin", {}, names, new)
    if not stand_ins:
        return
    for name in names:
        for folder in _PROGRAMS:
            path = f"{folder}/{name}"
            # What is a link leads to a program that others may be as well.
            if os.path.isfile(path) and not os.path.islink(path):
                _mount(f"{new}{target}/.stand-in", new + path, None, _BIND)


def _layer(folder: str, links: dict[str, str], stand_ins: list[str], new: str) -> None:
    """Show links in a folder of the host, and none of its tools for developers.

    Libraries look for `/usr/bin/snap` itself, so that stand-ins of what this host lacks are there.
    """
    if os.path.islink(folder):
        return
    hidden = [name for name in _tools_of(folder) if name not in stand_ins]
    if not links and not hidden:
        return
    layer = f"{new}/.charmproof/programs{folder.replace('/', '-')}"
    os.makedirs(layer)
    for name, leads_to in links.items():
        os.symlink(leads_to, f"{layer}/{name}")
    try:
        for name in hidden:
            # What overlays take for a file that is gone.
            os.mknod(f"{layer}/{name}", stat.S_IFCHR, 0)
        _mount("overlay", new + folder, "overlay", 0, f"lowerdir={layer}:{folder},userxattr")
    except OSError:
        # Whoever asks `PATH` finds the stand-ins all the same.
        return


@functools.lru_cache(maxsize=None)
def _tools_of(folder: str) -> tuple[str, ...]:
    """Return what this host has of the programs that a unit does not see."""
    try:
        return tuple(sorted(_DEVELOPER_TOOLS.intersection(os.listdir(folder))))
    except OSError:
        return ()


def _lay_charm(settings: dict, request: dict, new: str) -> list[str]:
    """Put the charm where Juju does: what it writes there goes to the unit alone."""
    target = new + request["charm_dir"]
    os.makedirs(target)
    upper, work = new + "/.charmproof/upper", new + "/.charmproof/work"
    os.makedirs(upper)
    os.makedirs(work)
    try:
        # Neither of the special characters can be quoted in every kernel.
        if any(character in settings["charm_source"] for character in ",:\\"):
            raise OSError("the path cannot be given to the kernel")
        _mount("overlay", target, "overlay", 0, f"lowerdir={settings['charm_source']},upperdir={upper},workdir={work},userxattr")
    except OSError:
        shutil.copytree(settings["charm_source"], target, symlinks=True, dirs_exist_ok=True)
    if request["charm_dir"] != settings["import_dir"]:
        os.makedirs(new + settings["import_dir"], exist_ok=True)
        _mount(target, new + settings["import_dir"], None, _BIND)
    return []


def _copy_charm(settings: dict, request: dict) -> None:
    shutil.copytree(settings["charm_source"], request["charm_dir"], symlinks=True, dirs_exist_ok=True)


def _start_loopback() -> None:
    """Let a workload be reached at localhost. Nothing else can be reached."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        try:
            fcntl.ioctl(connection, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        except OSError:
            # A host that refuses it has no loopback to offer; connecting says so.
            return
