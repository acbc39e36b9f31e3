"""What the documentation shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import List

from making import CHARMS

REPOSITORY = Path(__file__).parents[2]
HOW_TO = REPOSITORY / "docs" / "how-to" / "play-lifecycles-with-ops-testing.md"
REFERENCE = REPOSITORY / "docs" / "reference" / "python.md"
WEB = CHARMS / "web"

# Hypothesis as it is, but the same each time, and without the phase that explains.
PROFILE = """
from hypothesis import Phase, settings
phases = (Phase.generate, Phase.shrink)
settings.register_profile(
    "same", derandomize=True, database=None, phases=phases, report_multiple_bugs=False
)
settings.load_profile("same")
"""


def blocks(page: Path) -> List[str]:
    """Return the Python code of a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run Python where the charm is, with its code to be imported."""
    path = os.pathsep.join([str(WEB / "src"), str(REPOSITORY / "python")])
    # Where these are set, pytest's summary tells each failure a second time, in full.
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=str(folder),
        env={**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


def test_the_charm_of_the_guide_is_the_one_that_is_tested() -> None:
    assert blocks(HOW_TO)[0] in (WEB / "src" / "web.py").read_text()


def test_one_life_of_the_guide_can_be_played(tmp_path: Path) -> None:
    (tmp_path / "one_life.py").write_text("\n".join(blocks(HOW_TO)[1:3]))
    done = run(WEB, str(tmp_path / "one_life.py"))
    assert done.returncode == 0, done.stdout
    for words in ("--> deploy web/0", ": install → ", ": remove → "):
        assert words in done.stdout, done.stdout


def test_the_test_of_the_guide_finds_the_mistake(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(PROFILE)
    (tmp_path / "test_lives.py").write_text(blocks(HOW_TO)[3])
    test = str(tmp_path / "test_lives.py")
    done = run(WEB, "-m", "pytest", "--color=no", "-p", "no:logging", test)
    assert done.returncode == 1, done.stdout
    assert "CharmRaised: the charm raised " in done.stdout, done.stdout
    assert " in db-relation-broken (db:1) on web/0 " in done.stdout, done.stdout
    assert "life=<Sequence juju=3.6, platform=k8s: " in done.stdout, done.stdout
    # It was shrunk: nothing happens but that the relation comes and goes.
    actions = re.findall(r"Action :: Source\.user +--> (\S+)", done.stdout)
    assert actions[:2] == ["deploy", "integrate"], done.stdout
    assert actions[2:] in (["remove-unit"], ["remove-relation"]), done.stdout
    assert done.stdout.count("Action ::") == 3, done.stdout


def test_all_code_of_the_pages_is_python() -> None:
    for page in (HOW_TO, REFERENCE):
        assert blocks(page)
        for block in blocks(page):
            # In the reference, signatures end in what they return.
            code = re.sub(r"^(.*\)) -> [\w\[\]]+$", r"\1", block, flags=re.MULTILINE)
            compile(code.replace(", *, ", ", ").replace("…", "..."), str(page), "exec")
