"""Records every case that unittest's own runner runs, as it ends.

PYTEST_DONT_REWRITE
"""

import time
import traceback

import charmproof_probe as probe


def _frames(trace):
    return [[f.filename, f.lineno or 0, f.name] for f in traceback.extract_tb(trace)][-60:]


def install():
    """Wrap the methods of the text result, once."""
    from unittest.runner import TextTestResult

    if getattr(TextTestResult, "_charmproof", False):
        return
    TextTestResult._charmproof = True
    started = {}

    def wrap(name, outcome):
        original = getattr(TextTestResult, name)

        def method(self, test, *rest):
            result = original(self, test, *rest)
            try:
                _record(test, outcome, rest)
            except Exception as error:  # noqa: BLE001 - see charmproof_probe.
                probe.emit({"event": "trouble", "message": "unittest: %r" % (error,)})
            return result

        setattr(TextTestResult, name, method)

    def _record(test, outcome, rest):
        name = test.id() if hasattr(test, "id") else str(test)
        record = {
            "event": "case",
            "case": name,
            "when": "call",
            "outcome": outcome,
            "duration": time.time() - started.get(id(test), time.time()),
        }
        if outcome == "failed" and rest:
            kind, value, trace = rest[0]
            record["failure"] = {
                "exception": kind.__name__,
                "message": str(value)[:2000],
                "frames": _frames(trace),
            }
            record["text"] = "".join(traceback.format_exception(kind, value, trace))[-8000:]
            if name.startswith("unittest.loader._FailedTest"):
                record["event"] = "collection"
        elif outcome == "skipped" and rest:
            record["text"] = str(rest[0])[:2000]
        probe.emit(record)

    original_start = TextTestResult.startTest

    def start(self, test):
        probe.suite_began()
        started[id(test)] = time.time()
        return original_start(self, test)

    TextTestResult.startTest = start
    wrap("addSuccess", "passed")
    wrap("addFailure", "failed")
    wrap("addError", "failed")
    wrap("addSkip", "skipped")
    wrap("addExpectedFailure", "skipped")
    wrap("addUnexpectedSuccess", "failed")

    # A subtest that fails is reported here and not through addFailure.
    original_sub = TextTestResult.addSubTest

    def sub(self, test, subtest, err):
        result = original_sub(self, test, subtest, err)
        if err is not None:
            try:
                _record(subtest, "failed", (err,))
            except Exception as error:  # noqa: BLE001
                probe.emit({"event": "trouble", "message": "unittest: %r" % (error,)})
        return result

    TextTestResult.addSubTest = sub
