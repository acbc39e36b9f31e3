"""Finds the ``charmproof`` program and runs it.

All knowledge of Juju is in the program; this package only asks it. Nothing here
understands what it answers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

from charmproof._errors import CharmproofError

VARIABLE = "CHARMPROOF_BINARY"
"""The environment variable that names another program than the one of this environment."""


def find_binary() -> str:
    """Return the path of the ``charmproof`` program.

    It is the one that ``CHARMPROOF_BINARY`` names, else the one that was installed with
    this package, else the first one on ``PATH``.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            raise CharmproofError(f"{VARIABLE} is {named!r}, and there is no such file")
        return named
    folders = _script_folders()
    for folder in folders:
        candidate = folder / "charmproof"
        if candidate.is_file():
            return str(candidate)
    on_path = shutil.which("charmproof")
    if on_path:
        return on_path
    places = ", ".join(str(folder) for folder in folders)
    raise CharmproofError(
        f"cannot find the charmproof program in {places}, nor on PATH: install it with"
        f" `pip install charmproof`, or let {VARIABLE} name it"
    )


def _script_folders() -> List[Path]:
    """Return where installers put the program that came with this package."""
    folders = [sysconfig.get_path("scripts")]
    # Where `pip install --user` puts it.
    scheme = "posix_user" if os.name == "posix" else f"{os.name}_user"
    if scheme in sysconfig.get_scheme_names():
        folders.append(sysconfig.get_path("scripts", scheme))
    # Where `pip install --target FOLDER` puts it.
    folders.append(str(Path(__file__).resolve().parent.parent / "bin"))
    unique = dict.fromkeys(folder for folder in folders if folder)
    return [Path(folder) for folder in unique]


def run(arguments: Sequence[str], *, stdin: Optional[str] = None) -> str:
    """Return what the program prints for ``arguments``."""
    try:
        done = subprocess.run(
            [find_binary(), *arguments],
            input="" if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise _not_started(error) from error
    if done.returncode != 0:
        raise _failed(done.returncode, done.stderr)
    return done.stdout


def stream(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the lines that the program prints, as they come.

    The program is stopped if the caller wants no more of them.
    """
    # What it says goes to a file, since a pipe that nobody reads could fill up.
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                [find_binary(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                encoding="utf-8",
            )
        except OSError as error:
            raise _not_started(error) from error
        with process:
            assert process.stdout is not None
            try:
                yield from process.stdout
            except GeneratorExit:
                process.kill()
                raise
            exit_code = process.wait()
        if exit_code != 0:
            said.seek(0)
            raise _failed(exit_code, said.read().decode("utf-8", "replace"))


def _not_started(error: OSError) -> CharmproofError:
    return CharmproofError(f"the charmproof program could not be started: {error}")


def _failed(exit_code: int, said: str) -> CharmproofError:
    words = said.strip() or f"the charmproof program ended with {exit_code}, and said nothing"
    if words.startswith("error: "):
        words = words[len("error: ") :]
    if exit_code < 0:
        words = f"the charmproof program was ended by signal {-exit_code}: {words}"
    return CharmproofError(words, exit_code=exit_code)


