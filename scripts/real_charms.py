#!/usr/bin/env python3
"""Runs the integration suites of public charms, unmodified, against the local Juju.

    scripts/real_charms.py --checkouts ../charms
    scripts/real_charms.py --checkouts ../charms --only machine-tinyproxy --no-page

scripts/real-charms.toml lists the suites. Each is run as a user would, by `charmproof test`, in a
clone of a checkout at `CHECKOUTS/OWNER/NAME`; those without a checkout are left out. What became of
the tests is written into docs/conformance.md, between the markers of the table.

Where Charmhub or a registry of images cannot be reached, the list says what stands in: checkouts of
charms, which are packed first, and recipes of images. Tests that need more than that fail, and the
list says what they need.

Needs `git`, `uv`, and a `charmproof` (on the search path, or named by --charmproof).

Exit status: 0 all ran, 2 the command line is wrong, 3 a suite could not be run, 130 interrupted.
"""

import argparse
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

import conformance
from conformance import CannotRun

LIST = conformance.ROOT / "scripts" / "real-charms.toml"
BEGIN = "<!-- begin real-charms: scripts/real_charms.py -->"
END = "<!-- end real-charms -->"


def main():
    """Run what is asked for."""
    asked = _parse()
    asked.checkouts = asked.checkouts.resolve()
    listed = tomllib.loads(asked.list.read_text())
    suites, asked.libraries = listed["suite"], listed["libraries"]
    chosen = [suite for suite in suites if not asked.only or any(word in _name(suite) for word in asked.only)]
    failed = False
    for suite in chosen:
        if not (asked.checkouts / suite["repository"]).is_dir():
            print(f"{_name(suite)}: no checkout, so it is left out", file=sys.stderr)
            continue
        try:
            row = run(suite, asked)
        except CannotRun as error:
            _complain(suite, error)
            failed = True
            continue
        # What the list says may not fit a checkout; that is no reason to leave out the other suites.
        except (subprocess.CalledProcessError, KeyError, ValueError) as error:
            _complain(suite, f"{type(error).__name__}: {error}")
            failed = True
            continue
        print(row)
        if not asked.no_page:
            _write_row(asked.page, row, [_link(suite) for suite in suites])
    return 3 if failed else 0


def _parse():
    head, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=head, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    path = pathlib.Path
    parser.add_argument("--checkouts", type=path, required=True, metavar="DIR", help="a folder with OWNER/NAME")
    parser.add_argument("--only", action="append", metavar="WORD", help="only suites with this in their name; may be repeated")
    parser.add_argument("--charmproof", default="charmproof", metavar="PROGRAM", help="the program [default: on the search path]")
    parser.add_argument("--list", type=path, default=LIST, metavar="FILE", help="the list [default: scripts/real-charms.toml]")
    parser.add_argument("--logs", type=path, metavar="DIR", help="keep what the suites said, and pytest's reports, there")
    parser.add_argument("--page", type=path, default=conformance.PAGE, metavar="FILE", help="the page [default: docs/conformance.md]")
    parser.add_argument("--no-page", action="store_true", help="leave the page as it is")
    parser.add_argument("--timeout", type=float, default=1800, metavar="SECONDS", help="how long a suite may take [default: 1800]")
    return parser.parse_args()


def _complain(suite, problem):
    print(f"{_name(suite)}: {problem}", file=sys.stderr)


def _name(suite):
    parts = [suite["repository"], suite.get("folder") or suite.get("suite")]
    return "/".join(filter(None, parts)) + (" (Kubernetes)" if suite.get("suite") and suite["kind"] == "Kubernetes" else "")


def _link(suite):
    place = f"/tree/HEAD/{suite['folder']}" if suite.get("folder") else ""
    return f"[{_name(suite)}](https://github.com/{suite['repository']}{place})"


def run(suite, asked):
    """Run a suite. Returns its row of the table."""
    program = shutil.which(asked.charmproof)
    if program is None:
        raise CannotRun(f"there is no program {asked.charmproof}; name it with --charmproof")
    program = str(pathlib.Path(program).resolve())
    with tempfile.TemporaryDirectory(prefix="real-charms-") as folder:
        folder = pathlib.Path(folder).resolve()
        checkout = _clone(asked.checkouts, suite["repository"], folder / "charm", suite.get("commit"))
        _fetch_libraries(asked, suite.get("libraries", []), checkout / suite.get("folder", "."))
        data, report = folder / "juju", folder / "report.xml"
        environment = conformance._environment(program, data)
        environment |= _stand_ins(suite, asked, folder, environment)
        environment.pop("JUJU_DATA")
        environment |= {name: value.replace("{checkout}", str(checkout)) for name, value in suite.get("environment", {}).items()}
        if "python" in suite:
            found = subprocess.run(["uv", "python", "find", suite["python"]], check=True, stdout=subprocess.PIPE, text=True)
            environment["PATH"] = f"{pathlib.Path(found.stdout.strip()).parent}{os.pathsep}{environment['PATH']}"
        try:
            for words in suite.get("before", []):
                words = [program, "shell", "--data", str(data), "--", *words]
                conformance._call(words, checkout / suite.get("folder", "."), environment)
        except CannotRun as error:
            if not suite.get("missing"):
                raise
            _complain(suite, error)
            return _row(suite, _commit(checkout), [], 0, True)
        words = [program, "test", *suite.get("arguments", []), "--"]
        words += [*suite.get("recipe-arguments", []), f"--junitxml={report}"]
        began = time.monotonic()
        said, is_whole, _ = conformance._watch(words, checkout / suite.get("folder", "."), environment, asked.timeout)
        seconds = time.monotonic() - began
        name = _name(suite).replace("/", "+").replace(" ", "-")
        if asked.logs:
            asked.logs.mkdir(parents=True, exist_ok=True)
            (asked.logs / f"{name}.log").write_text(said)
            if report.exists():
                shutil.copy(report, asked.logs / f"{name}.xml")
        cases = conformance.cases_of(report.read_text(), str(folder)) if report.exists() else []
        if not is_whole or not cases:
            why = "no test was run" if is_whole else f"it took more than {asked.timeout:.0f} s"
            last = "\n".join(said.splitlines()[-20:])
            problem = CannotRun(f"{why}; it said\n{last}")
            if not suite.get("missing"):
                raise problem
            _complain(suite, problem)
        return _row(suite, _commit(checkout), cases, seconds, is_whole)


def _clone(checkouts, repository, target, commit=None):
    environment = dict(os.environ)
    conformance._call(["git", "clone", "--quiet", str(checkouts / repository), str(target)], checkouts, environment)
    if commit:
        conformance._call(["git", "checkout", "--quiet", commit], target, environment)
    return target


def _fetch_libraries(asked, names, charm):
    """Do what `charmcraft fetch-libs` would do, from the checkouts where libraries are made."""
    for name in names:
        repository, _, path = asked.libraries[name].partition(":")
        words = ["git", "-C", str(asked.checkouts / repository), "show", f"HEAD:{path}"]
        text = subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout
        target = charm / "lib" / "charms" / pathlib.Path(*name.split(".")).with_suffix(".py")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)


def _commit(checkout):
    words = ["git", "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(words, cwd=checkout, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _stand_ins(suite, asked, folder, environment):
    """Lay out what stands in for charms of Charmhub and for images. Returns the variables that say so."""
    charms = [_stand_in(name, charm, asked, folder) for name, charm in suite.get("charms", {}).items()]
    variables = conformance._substitutes(charms, folder, environment)
    if suite.get("recipes"):
        variables["CHARMPROOF_RECIPES"] = str(conformance.ROOT / "scripts" / suite["recipes"])
    return variables


def _stand_in(name, charm, asked, folder):
    """Clone the checkout that stands in for a charm of Charmhub."""
    owner, repository, *below = charm["checkout"].split("/")
    clone = _clone(asked.checkouts, f"{owner}/{repository}", folder / "sources" / name, charm.get("commit"))
    source = clone.joinpath(*below)
    _fetch_libraries(asked, charm.get("libraries", []), source)
    platform = ("--platform", charm["platform"]) if "platform" in charm else ()
    return conformance.StandIn(name, source, charm.get("resources", {}), platform)


def _row(suite, commit, cases, seconds, is_whole):
    count = {outcome: sum(case.outcome == outcome for case in cases) for outcome in ("passed", "failed", "skipped")}
    tests = ", ".join(f"{number} {outcome}" for outcome, number in count.items() if number)
    tests = tests or ("none ran" if is_whole else f"none ended in {seconds:.0f} s")
    missing = suite.get("missing", "") if not cases or count["failed"] or count["skipped"] else ""
    if count["failed"] and not missing:
        missing = next(case.message for case in cases if case.outcome == "failed").replace("|", "\\|")
    helped = suite.get("helped", "")
    time_taken = f"{seconds:.0f} s" if cases else ""
    cells = [_link(suite), f"`{commit}`", suite["kind"], tests, time_taken, helped, missing]
    return "| " + " | ".join(cells) + " |"


def _write_row(page, row, order):
    """Write a row into the page, which another run may write to as well."""
    with page.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = with_row(file.read(), row, order)
        file.seek(0)
        file.truncate()
        file.write(text)


def with_row(text, row, order):
    """Return the page with a new row, in the place of the one of the same suite."""
    before, _, rest = text.partition(BEGIN)
    table, found, after = rest.partition(END)
    if not found:
        raise CannotRun(f"the page has no `{BEGIN}`, or not `{END}`")
    head = ["", "| Suite | Commit | Kind | Tests | Time | What stood in | What the rest needs |", "|---|---|---|---|---|---|---|"]
    rows = {line.split(" | ")[0]: line for line in table.splitlines() if line.startswith("| [")}
    rows[row.split(" | ")[0]] = row
    place = {f"| {link}": number for number, link in enumerate(order)}
    lines = sorted(rows.values(), key=lambda line: place.get(line.split(" | ")[0], len(place)))
    return before + BEGIN + "\n".join([*head, *lines, ""]) + END + after


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
