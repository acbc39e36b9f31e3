"""The program is found, and its words are handed on."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any, Dict

import charmproof
import pytest
from charmproof import CharmproofError
from charmproof import _binary as binary

SMALL = Path(__file__).parent / "lives" / "small.json"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes a program of a text in Python, and lets it be found."""

    def make(text: str) -> Path:
        path = tmp_path / "charmproof"
        path.write_text(f"#!{sys.executable}\nimport sys\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setenv("CHARMPROOF_BINARY", str(path))
        return path

    return make


def one_life(**settings: Any) -> charmproof.Sequence:
    return next(charmproof.sequences(".", **settings))


def test_the_environment_variable_names_the_program(program: Any) -> None:
    path = program("")
    assert binary.find_binary() == str(path)


def test_a_variable_that_names_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARMPROOF_BINARY", "/nowhere/charmproof")
    with pytest.raises(CharmproofError) as caught:
        binary.find_binary()
    assert str(caught.value) == (
        "CHARMPROOF_BINARY is '/nowhere/charmproof', and there is no such file"
    )


def test_the_program_of_this_environment_comes_before_that_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHARMPROOF_BINARY")
    for folder in ("scripts", "path"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "charmproof").write_text("")
        (tmp_path / folder / "charmproof").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))

    def scripts(name: str, scheme: str = "") -> str:
        assert name == "scripts"
        return str(tmp_path / (scheme or "scripts"))

    monkeypatch.setattr(sysconfig, "get_path", scripts)
    assert binary.find_binary() == str(tmp_path / "scripts" / "charmproof")
    (tmp_path / "scripts" / "charmproof").unlink()
    assert binary.find_binary() == str(tmp_path / "path" / "charmproof")
    (tmp_path / "path" / "charmproof").unlink()
    with pytest.raises(CharmproofError) as caught:
        binary.find_binary()
    assert f"cannot find the charmproof program in {tmp_path}/scripts, " in str(caught.value)
    assert "install it with `pip install charmproof`" in str(caught.value)


def test_errors_are_the_programs_own_words(program: Any) -> None:
    program(
        "print('error: no charm in `.`\\nhint: name its folder', file=sys.stderr); sys.exit(2)"
    )
    with pytest.raises(CharmproofError) as caught:
        one_life()
    assert str(caught.value) == "no charm in `.`\nhint: name its folder"
    assert caught.value.exit_code == 2


def test_a_program_that_says_nothing_is_told_as_well(program: Any) -> None:
    program("sys.exit(2)")
    with pytest.raises(CharmproofError) as caught:
        one_life()
    assert str(caught.value) == "the charmproof program ended with 2, and said nothing"
    program("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(CharmproofError) as caught:
        charmproof.CharmEventSimulator().run()
    assert "was ended by signal 9" in str(caught.value)


def test_what_is_no_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "charmproof").write_text("not executable")
    monkeypatch.setenv("CHARMPROOF_BINARY", str(tmp_path / "charmproof"))
    for call in (one_life, charmproof.CharmEventSimulator().run):
        with pytest.raises(CharmproofError) as caught:
            call()
        assert "the charmproof program could not be started: " in str(caught.value)


def test_talk_on_the_side_does_not_block(program: Any) -> None:
    program(f"sys.stderr.write('talk ' * 1000000)\nprint(open({str(SMALL)!r}).read())")
    assert one_life().seed == 7


def test_lives_come_one_by_one_and_the_program_is_stopped(program: Any, tmp_path: Path) -> None:
    program(
        f"life = open({str(SMALL)!r}).read()\n"
        f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "while True: print(life, end='', flush=True)"
    )
    lives = charmproof.sequences(".", runs=10)
    assert [next(lives).seed for _ in range(3)] == [7, 7, 7]
    lives.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "--juju 3.6 --units 1 --runs 1 ."),
        ({"seed": 0, "runs": 3}, "--juju 3.6 --units 1 --seed 0 --runs 3 ."),
        (
            {"juju": "4.0", "platform": "k8s", "length": 5, "units": 2, "phase": "setup"},
            "--juju 4.0 --units 2 --platform k8s --length 5 --phase setup --runs 1 .",
        ),
        (
            {"only": ["integrate", "deploy"], "without": ["refresh"]},
            "--juju 3.6 --units 1 --only integrate --only deploy --without refresh --runs 1 .",
        ),
    ],
)
def test_settings_become_options(program: Any, settings: Dict[str, Any], expected: str) -> None:
    program("sys.exit(' '.join(sys.argv[1:]))")
    with pytest.raises(CharmproofError) as caught:
        one_life(**settings)
    assert str(caught.value) == f"simulate --format json {expected}"
