"""Records every case that pytest runs, as it ends, with its frames.

One line of JSON per phase, appended at once, so that a suite that is killed leaves
what it had done. Nothing is printed and no option is changed. Works with and without
pytest-xdist (workers hand their frames to the controller inside the report).

PYTEST_DONT_REWRITE
"""

import os

import charmproof_probe as probe
import pytest

_TEXT = 8000
_MESSAGE = 2000
_FRAMES = 60


def _frames(excinfo):
    frames = []
    try:
        for entry in excinfo.traceback:
            frames.append([str(entry.path), int(entry.lineno) + 1, str(entry.frame.code.name)])
    except Exception:  # noqa: BLE001 - a traceback that cannot be read is left out.
        pass
    return frames


def _text(value):
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a hostile __str__.
        return "<no message: %s>" % type(error).__name__


def _root_cause(error):
    """Return the error that was explicitly wrapped (``raise ... from``), if any.

    ops.testing wraps whatever a charm raises; what matters is what was raised first.
    """
    seen = set()
    while error.__cause__ is not None and id(error) not in seen:
        seen.add(id(error))
        error = error.__cause__
    return error


def _frames_of(error):
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append([code.co_filename, trace.tb_lineno, code.co_name])
        trace = trace.tb_next
    return frames


def _describe(excinfo):
    root = _root_cause(excinfo.value)
    frames = _frames(excinfo) if root is excinfo.value else _frames_of(root)
    if len(frames) > _FRAMES:
        frames = frames[: _FRAMES // 2] + frames[-_FRAMES // 2 :]
    return {"exception": type(root).__name__, "message": _text(root)[:_MESSAGE], "frames": frames}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Tell which packages this process starts with, and ask pytest for its own report.

    The JUnit file is a second account, for when the lines of this one were lost. Where
    the charm asks for one itself, that is left alone.
    """
    if probe.UNIT and not _is_worker(config) and not getattr(config.option, "xmlpath", "none"):
        folder = os.path.dirname(probe.UNIT["evidence"])
        config.option.xmlpath = os.path.join(folder, "junit-%d.xml" % os.getpid())
    names = [n for n in os.environ.get("PYTEST_PLUGINS", "").split(",") if n and n != "charmproof_pytest"]
    if "PYTEST_PLUGINS" in os.environ:
        if names:
            os.environ["PYTEST_PLUGINS"] = ",".join(names)
        else:
            del os.environ["PYTEST_PLUGINS"]
    probe.suite_began()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep the frames of a failure on its report, before anybody is told of it."""
    outcome = yield
    if call.excinfo is not None and outcome.excinfo is None:
        report = outcome.get_result()
        if report.outcome == "failed":
            report.charmproof = _describe(call.excinfo)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    """The same for a file that cannot be imported."""
    outcome = yield
    if outcome.excinfo is None:
        report = outcome.get_result()
        call = getattr(report, "call", None)
        if report.outcome == "failed" and call is not None and call.excinfo is not None:
            report.charmproof = _describe(call.excinfo)


def _is_worker(config):
    return hasattr(config, "workerinput")


class _Recorder(object):
    def pytest_runtest_logreport(self, report):
        record = {
            "event": "case",
            "case": report.nodeid,
            "when": report.when,
            "outcome": report.outcome,
            "duration": getattr(report, "duration", 0.0),
        }
        if hasattr(report, "wasxfail"):
            record["xfail"] = True
        if report.outcome == "failed":
            record["failure"] = getattr(report, "charmproof", None) or {}
            record["text"] = str(report.longreprtext)[-_TEXT:]
        elif report.outcome == "skipped":
            longrepr = report.longrepr
            record["text"] = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)[:_MESSAGE]
        if report.when == "call" or report.outcome != "passed":
            probe.emit(record)

    def pytest_collectreport(self, report):
        if report.outcome == "failed":
            probe.emit(
                {
                    "event": "collection",
                    "case": report.nodeid,
                    "failure": getattr(report, "charmproof", None) or {},
                    "text": str(report.longreprtext)[-_TEXT:],
                }
            )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        probe.emit(
            {
                "event": "session",
                "exit": int(exitstatus),
                "collected": int(getattr(session, "testscollected", 0)),
            }
        )


def pytest_sessionstart(session):
    """Record in the controller alone: a worker's reports arrive there too."""
    if not _is_worker(session.config):
        session.config.pluginmanager.register(_Recorder(), "charmproof-recorder")
