"""What the script says that runs the suites of others when pytest did not run them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "conformance.py"


@pytest.fixture
def conformance(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(SCRIPT.parent), *sys.path])
    # It is a program and no module of ours: each test has one of its own.
    monkeypatch.delitem(sys.modules, SCRIPT.stem, raising=False)
    return importlib.import_module(SCRIPT.stem)


def test_exit_codes_are_handed_on(conformance: Any, tmp_path: Path) -> None:
    words = [sys.executable, "-c", "print('said'); raise SystemExit(5)"]
    assert conformance._watch(words, tmp_path, {}, 60) == ("said\n", True, 5)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, -9])
def test_only_a_run_that_ran_its_tests_counts(conformance: Any, tmp_path: Path, code: int) -> None:
    report = tmp_path / "report.xml"
    with pytest.raises(conformance.CannotRun):
        conformance.refuse(code, report, "said")
    report.write_text("<testsuites/>")
    if code in (0, 1):
        conformance.refuse(code, report, "said")
        return
    with pytest.raises(conformance.CannotRun, match=f"pytest ended with {code}; it said\nsaid"):
        conformance.refuse(code, report, "said")
