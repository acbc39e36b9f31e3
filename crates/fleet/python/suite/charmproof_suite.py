"""What charmproof does inside a suite of integration tests: notes, and what was asked for.

Each test is noted with when it began and ended, in the file that the local Juju notes
its hooks in, so that both can be shown side by side. The packed charm is given to the
option that a suite has for it, and where a suite calls `charmcraft` or `juju` by the place
of their snaps, it gets those of the search path. On request it also keeps models, names
them, writes their logs down, and makes the waits of Jubilant end with a change instead of
with the next poll. Every request is a variable; without any, nothing of the suite is
changed.

It must run on every Python that a suite may use, and it must never be what fails.

PYTEST_DONT_REWRITE
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

_CHARM = os.environ.get("CHARM_PATH", "")
_EVENTS = os.environ.get("CHARMPROOF_EVENTS", "")
_CHANGES = os.environ.get("CHARMPROOF_CHANGES", "")
_LOGS = os.environ.get("CHARMPROOF_LOGS", "")
_MODEL = os.environ.get("CHARMPROOF_MODEL", "")
_KEEPS = os.environ.get("CHARMPROOF_KEEP_MODELS") == "1"
_WAITS_FAST = os.environ.get("CHARMPROOF_FAST_WAIT") == "1"

_MESSAGE = 2000
_POLL_S = 0.01
# As of which a name is one that Jubilant drew.
_DRAWN = re.compile(r"jubilant-[0-9a-f]{8}")
# What plugins call the options for the same thing: pytest-jubilant, and pytest-operator.
_KEEP_OPTIONS = ("no_juju_teardown", "no_teardown", "keep_models")
_MODEL_OPTIONS = ("juju_model", "model")
# What suites call the option for the packed charm.
_CHARM_OPTIONS = ("--charm-path", "--charm_path", "--charm-file", "--charm_file")
# What suites call by the place of its snap, which no search path changes.
_SNAPS = {"/snap/bin/charmcraft": "charmcraft", "/snap/bin/juju": "juju"}


def _instant(seconds):
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return "%s.%06dZ" % (whole, int((seconds % 1) * 1000000))


def _note(record):
    """Append one line; a lost line is better than a broken suite."""
    if not _EVENTS:
        return
    try:
        data = (json.dumps(record, sort_keys=True) + "\n").encode("utf-8", "replace")
        handle = os.open(_EVENTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)
    except Exception:  # noqa: BLE001 - see the module's head.
        pass


class _Recorder(object):
    """Joins the phases of each test to one line."""

    def __init__(self):
        self.open = {}

    def pytest_runtest_logreport(self, report):
        now = time.time()
        duration = getattr(report, "duration", 0.0) or 0.0
        started = getattr(report, "start", None) or now - duration
        ended = getattr(report, "stop", None) or now
        test = self.open.setdefault(report.nodeid, {"started": started, "outcome": "passed", "message": ""})
        test["ended"] = ended
        if report.outcome == "failed" and test["outcome"] != "failed":
            test["outcome"] = "failed"
            lines = str(getattr(report, "longreprtext", "")).strip().splitlines()
            errors = [line[1:].strip() for line in lines if line.startswith("E ")]
            test["message"] = "%s: %s" % (report.when, (errors or lines or [""])[0])
        elif report.outcome == "skipped" and test["outcome"] == "passed":
            test["outcome"] = "skipped"
            longrepr = report.longrepr
            test["message"] = str(longrepr[2] if isinstance(longrepr, tuple) else "")
        if report.when == "teardown":
            self._close(report.nodeid)

    def pytest_sessionfinish(self):
        for nodeid in list(self.open):
            self._close(nodeid)

    def _close(self, nodeid):
        test = self.open.pop(nodeid)
        ended = _instant(test["ended"])
        _note(
            {
                "time": ended,
                "model": "",
                "unit": "",
                "what": "test",
                "name": nodeid,
                "started": _instant(test["started"]),
                "ended": ended,
                "outcome": test["outcome"],
                "message": test["message"][:_MESSAGE],
            }
        )


def _set_first(config, names, value):
    """Set the first option of these that a plugin has; tell whether there is one."""
    for name in names:
        if hasattr(config.option, name):
            setattr(config.option, name, value)
            return True
    return False


def _give_charm(config):
    """Give the packed charm to the option for it, unless whoever runs the suite did."""
    # opcli's option takes names as well; it reads a file that says more.
    if not _CHARM or hasattr(config.option, "artifacts_build_yaml"):
        return
    for option in _CHARM_OPTIONS:
        name = option.lstrip("-").replace("-", "_")
        if hasattr(config.option, name) and not getattr(config.option, name):
            # Parsed as on the command line, as the option may have a type, or collect its values.
            given = getattr(config._parser.parse_known_args([option, _CHARM]), name, None)
            if given:
                setattr(config.option, name, given)


def _find_snaps():
    """Let what is called by the place of its snap be what the search path has."""
    if not _EVENTS:
        return
    ours = {place: shutil.which(name) for place, name in _SNAPS.items()}
    original = subprocess.Popen.__init__

    def popen(self, args, *rest, **named):
        if isinstance(args, (list, tuple)) and args:
            found = ours.get(str(args[0]))
            if found:
                sys.stderr.write("charmproof: `%s` is %s here\n" % (args[0], found))
                args = [found] + list(args[1:])
        original(self, args, *rest, **named)

    subprocess.Popen.__init__ = popen


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Ask plugins for what they can do themselves, and do the rest."""
    try:
        _give_charm(config)
        _find_snaps()
    except Exception as error:  # noqa: BLE001 - another pytest may be built differently.
        sys.stderr.write("charmproof: the suite could not be given the charm: %r\n" % (error,))
    config.charmproof_does_keep = _KEEPS and not _set_first(config, _KEEP_OPTIONS, True)
    config.charmproof_does_name = bool(_MODEL) and not _set_first(config, _MODEL_OPTIONS, _MODEL)


def pytest_sessionstart(session):
    """Record in the controller alone: a worker's reports arrive there too."""
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(_Recorder(), "charmproof-suite-recorder")


def pytest_collection_finish(session):
    """Find Jubilant where the suite imports it, so that nothing is imported for our sake."""
    _patch(session.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """The same, for what is imported later."""
    _patch(item.config)


def _patch(config):
    juju = sys.modules.get("jubilant._juju")
    if juju is None or getattr(juju, "charmproof_patched", False):
        return
    try:
        juju.charmproof_patched = True
        if _WAITS_FAST and _CHANGES:
            juju.time = _Clock(juju.time, _CHANGES)
        if _LOGS or config.charmproof_does_keep:
            _watch_destruction(juju.Juju, config.charmproof_does_keep)
        if config.charmproof_does_name:
            _name_models(juju.Juju)
    except Exception as error:  # noqa: BLE001 - another Jubilant may be built differently.
        sys.stderr.write("charmproof: this Jubilant cannot be asked: %r\n" % (error,))


def _watch_destruction(juju_class, keeps):
    """Write a model's log down before the model goes, or do not let it go."""
    original = juju_class._cli

    def cli(self, *args, **kwargs):
        if args and args[0] == "destroy-model":
            names = [word for word in args[1:] if not word.startswith("-")]
            if _LOGS and names:
                _write_log(original, self, names[0])
            if keeps:
                return "", ""
        return original(self, *args, **kwargs)

    juju_class._cli = cli


def _write_log(cli, juju, model):
    try:
        text = cli(juju, "debug-log", "--model", model, "--limit", "0", include_model=False)[0]
        if not os.path.isdir(_LOGS):
            os.makedirs(_LOGS)
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", model)
        with open(os.path.join(_LOGS, name + ".log"), "w", encoding="utf-8") as handle:
            handle.write(text)
    except Exception as error:  # noqa: BLE001 - a model without a log is destroyed all the same.
        sys.stderr.write("charmproof: no log of the model %s: %r\n" % (model, error))


def _name_models(juju_class):
    """Give the first model that Jubilant drew a name for the one asked for, the next ones numbers."""
    original = juju_class.add_model
    named = []

    def add_model(self, model, *args, **kwargs):
        if _DRAWN.fullmatch(model):
            named.append(model)
            model = _MODEL if len(named) == 1 else "%s-%d" % (_MODEL, len(named))
        return original(self, model, *args, **kwargs)

    juju_class.add_model = add_model


class _Clock(object):
    """Stands in for ``time`` in Jubilant's module: its sleeps end when something changed.

    The local Juju appends a byte to a file with each change: ``b`` while something is
    queued or runs, ``q`` when nothing is. While a wait is not ready, the next change ends
    its sleep, also one since the last look. Once it has been ready, and has only to be so
    again, it sleeps until the model is quiet: nothing can change by then, so more sleep
    would show nothing new. No sleep is longer than Jubilant wants.
    """

    def __init__(self, real, path):
        self._real = real
        self._path = path
        self._seen = self._look()[0]

    def __getattr__(self, name):
        return getattr(self._real, name)

    def _look(self):
        """Return how much was written, and whether the model is quiet."""
        try:
            with open(self._path, "rb") as handle:
                size = handle.seek(0, os.SEEK_END)
                if size == 0:
                    return 0, False
                handle.seek(size - 1)
                return size, handle.read(1) == b"q"
        except OSError:
            return 0, False

    def sleep(self, seconds):
        caller = sys._getframe(1)
        if caller.f_code.co_name != "wait":
            self._real.sleep(seconds)
            return
        was_ready = caller.f_locals.get("success_count", 0) > 0
        deadline = self._real.monotonic() + seconds
        while True:
            size, is_quiet = self._look()
            if is_quiet if was_ready else size != self._seen:
                self._seen = size
                return
            left = deadline - self._real.monotonic()
            if left <= 0:
                return
            self._real.sleep(min(_POLL_S, left))
