"""What the script says that runs the suites of others when pytest did not run them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "conformance.py"


@pytest.fixture
def conformance(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("conformance", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its data classes look for the module that they are of.
    monkeypatch.setitem(sys.modules, "conformance", module)
    spec.loader.exec_module(module)
    return module


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
