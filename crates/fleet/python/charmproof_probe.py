"""charmproof's witness inside a Python process that runs a charm's suite.

It is loaded at the start of the interpreter, by ``sitecustomize`` (through
``PYTHONPATH``) and by a ``.pth`` file in environments that charmproof prepared,
whichever comes first. It tells which swapped packages the process really uses,
records the cases of unittest suites, and asks for the swap again after pip has
installed something. It never changes what a suite does, with one exception: where
an installed swapped package is not the one that was asked for (an environment that
some tool made out of reach), the right one is put in front of it on ``sys.path``.

It must run on every Python that a charm may use, so it is written for 3.6, and it
must never raise: a witness that breaks the suite is worse than none.

PYTEST_DONT_REWRITE
"""

import atexit
import json
import os
import sys

# Tests patch these, and may forget to undo it; the witness keeps its own.
_open = open
_listdir = os.listdir
_isfile = os.path.isfile
_os_open, _os_write, _os_close = os.open, os.write, os.close

_HERE = os.path.dirname(os.path.abspath(__file__))
_INSTALLERS = {"pip", "pip3", "tox", "poetry", "uv", "virtualenv", "ensurepip", "venv", "build"}


def _load():
    try:
        with _open(os.path.join(_HERE, "unit.json"), encoding="utf-8") as handle:
            return json.load(handle)
    except (OSError, ValueError):
        return None


def command_line():
    """Return the words this process was started with, ``-m module`` included."""
    words = getattr(sys, "orig_argv", None)
    if words:
        return list(words)
    try:
        with _open("/proc/self/cmdline", "rb") as handle:
            return [w.decode("utf-8", "replace") for w in handle.read().split(b"\0")[:-1]]
    except OSError:
        return list(getattr(sys, "argv", []))


def program_of(words):
    """Return the name of the program: the module after -m, or the script's name."""
    rest = words[1:]
    skip = False
    for index, word in enumerate(rest):
        if skip:
            skip = False
            continue
        if word == "-m" and index + 1 < len(rest):
            return rest[index + 1].split(".")[0]
        if word.startswith("-m") and len(word) > 2:
            return word[2:].split(".")[0]
        if word == "-c":
            return "-c"
        if word in ("-W", "-X"):
            skip = True
            continue
        if not word.startswith("-"):
            name = os.path.basename(word)
            return name[:-3] if name.endswith(".py") else name
    return ""


def emit(record):
    """Append one line of evidence; a lost line is better than a broken suite."""
    unit = UNIT
    if not unit:
        return
    try:
        data = (json.dumps(record, sort_keys=True) + "\n").encode("utf-8", "replace")
        handle = _os_open(unit["evidence"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            _os_write(handle, data)
        finally:
            _os_close(handle)
    except Exception:  # noqa: BLE001 - see the module's head.
        pass


def normalise(name):
    """Return the distribution name as PEP 503 compares it."""
    out = []
    for char in name.lower():
        char = "-" if char in "-_." else char
        if char == "-" and out and out[-1] == "-":
            continue
        out.append(char)
    return "".join(out)


def _find(name):
    """Return (folder on sys.path, dist-info name, version) of the first match."""
    wanted = normalise(name)
    for folder in sys.path:
        try:
            entries = _listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            if not entry.endswith(".dist-info"):
                continue
            stem, _, version = entry[: -len(".dist-info")].partition("-")
            if normalise(stem) == wanted:
                return folder, entry, version
    return None


def digest_of(folder, info):
    """Return the digest of the files that a distribution's RECORD lists.

    The Rust side computes the same: sorted paths, without metadata, compiled files
    and scripts, each as ``path NUL sha256 LF``.
    """
    import csv
    import hashlib

    paths = []
    try:
        with _open(os.path.join(folder, info, "RECORD"), encoding="utf-8", newline="") as handle:
            for row in csv.reader(handle):
                if row:
                    paths.append(row[0].replace("\\", "/"))
    except OSError:
        return ""
    total = hashlib.sha256()
    for path in sorted(set(paths)):
        top = path.split("/", 1)[0]
        if (
            top.endswith(".dist-info")
            or top.endswith(".data")
            or path.startswith("../")
            or path.startswith("/")
            or "__pycache__/" in path
            or path.endswith(".pyc")
        ):
            continue
        try:
            with _open(os.path.join(folder, path), "rb") as handle:
                body = hashlib.sha256(handle.read()).hexdigest()
        except OSError:
            body = "missing"
        total.update(path.encode("utf-8") + b"\0" + body.encode() + b"\n")
    return total.hexdigest()


def _overlay(unit, program):
    """Put the wanted version in front where another one would be imported."""
    if unit.get("side") != "candidate" and not unit.get("baseline_swapped"):
        return
    if program in _INSTALLERS:
        return
    for package in unit.get("packages", []):
        tree = package.get("tree")
        if not tree or not package.get("version"):
            continue
        found = _find(package["name"])
        if found is None or found[2] == package["version"] or found[0] == tree:
            continue
        if found[0] in sys.path:
            sys.path.insert(sys.path.index(found[0]), tree)


def _library(package):
    """Return the sighting of a vendored charm library: the file that is found first."""
    import hashlib

    for folder in sys.path:
        path = os.path.join(folder, package["library"])
        if _isfile(path):
            with _open(path, "rb") as handle:
                digest = hashlib.sha256(handle.read()).hexdigest()
            return {
                "package": package["name"],
                "version": "sha256:" + digest[:12],
                "digest": digest,
                "path": path,
                "folder": "",
                "imported": package["modules"][0] in sys.modules,
            }
    return {"package": package["name"], "version": "", "digest": "", "path": "", "folder": "", "imported": False}


def sightings():
    """Return what this process sees of each swapped package."""
    seen = []
    for package in UNIT.get("packages", []):
        if package.get("library"):
            seen.append(_library(package))
            continue
        found = _find(package["name"])
        imported = False
        path = ""
        for module in package.get("modules", []):
            loaded = sys.modules.get(module)
            origin = getattr(loaded, "__file__", None) if loaded is not None else None
            if origin:
                imported = True
                path = origin
        seen.append(
            {
                "package": package["name"],
                "version": found[2] if found else "",
                "digest": digest_of(found[0], found[1]) if found else "",
                "path": path or (found[0] if found else ""),
                "folder": found[0] if found else "",
                "imported": imported,
            }
        )
    return seen


def report(moment):
    """Record what this process sees, at the beginning or at the end."""
    emit(
        {
            "event": "process",
            "moment": moment,
            "pid": os.getpid(),
            "program": PROGRAM,
            "command": " ".join([os.path.basename(w) if i == 0 else w for i, w in enumerate(WORDS)])[:300],
            "python": ".".join(str(n) for n in sys.version_info[:3]),
            "prefix": sys.prefix,
            "sightings": sightings(),
        }
    )


def _at_exit(owner):
    if os.getpid() != owner:
        return
    names = [m for p in UNIT.get("packages", []) for m in p.get("modules", [])]
    if IS_SUITE[0] or any(name in sys.modules for name in names):
        try:
            report("end")
        except Exception as error:  # noqa: BLE001
            emit({"event": "trouble", "message": "probe: %r" % (error,)})


def _swap_after_pip(owner):
    if os.getpid() != owner:
        return
    import subprocess

    subprocess.call([UNIT["charmproof"], "__swap", "--unit", os.path.join(_HERE, "unit.json"), "--prefix", sys.prefix])


UNIT = _load()
WORDS = command_line()
PROGRAM = program_of(WORDS)
IS_SUITE = [False]


def suite_began():
    """Note that this process runs a suite, and tell what it starts with."""
    if not IS_SUITE[0]:
        IS_SUITE[0] = True
        try:
            report("begin")
        except Exception as error:  # noqa: BLE001
            emit({"event": "trouble", "message": "probe: %r" % (error,)})


def _start():
    if not UNIT or getattr(sys, "_charmproof_probe", False):
        return
    sys._charmproof_probe = True
    if PROGRAM in ("pip", "pip3") or PROGRAM.startswith("pip3."):
        if any(word in ("install", "sync") for word in WORDS):
            atexit.register(_swap_after_pip, os.getpid())
        return
    if PROGRAM in _INSTALLERS:
        return
    _overlay(UNIT, PROGRAM)
    # Where entry points are switched off, pytest still reads this variable; the
    # plugin takes its name out again as soon as it is loaded.
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        plugins = os.environ.get("PYTEST_PLUGINS", "")
        if "charmproof_pytest" not in plugins:
            os.environ["PYTEST_PLUGINS"] = (plugins + "," if plugins else "") + "charmproof_pytest"
    if any("unittest" in word for word in WORDS):
        import charmproof_unittest

        charmproof_unittest.install()
    atexit.register(_at_exit, os.getpid())


try:
    _start()
except Exception as _error:  # noqa: BLE001
    emit({"event": "trouble", "message": "probe: %r" % (_error,)})
