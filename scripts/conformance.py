#!/usr/bin/env python3
"""Runs the integration tests of Jubilant and of ops, unmodified, against the local Juju.

    scripts/conformance.py --jubilant ../jubilant --ops ../ops-3.9.0
    scripts/conformance.py --jubilant ../jubilant --only jubilant-k8s -k test_run
    scripts/conformance.py --ops ops-3.9.0.tar.gz --check

The suites of public charms are run by scripts/real_charms.py, which writes into the same page.

Each suite runs in a copy, with an environment of its own and with data of its own, and the
charms that it deploys are packed as `charmcraft pack` is asked to. What became of each test is
written into docs/conformance.md, between the markers of the suite; `--check` compares instead,
and fails if a test does not pass that passes by the page.

Some tests deploy charms of Charmhub. Where that is not reached, or to test without it, a checkout
stands in, with the resources that Charmhub has for it:

    --charm snappass-test=../snappass-test,snappass-image=benhoyt/snappass-test,redis-image=redis

Needs `uv`, and a `charmproof` (on the search path, or named by --charmproof). Jubilant is a
checkout of canonical/jubilant, ops its source distribution: `pip download --no-deps --no-binary
ops ops`.

Exit status: 0 all ran (with --check: none got worse), 1 a test got worse, 2 the command line is
wrong, 3 a suite could not be run, 130 interrupted.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "conformance.md"
MESSAGE_LENGTH = 120
INTERRUPT_SECONDS = 120
"""How long a suite has to clean up, which may be many models that are destroyed one after another."""


@dataclasses.dataclass(frozen=True)
class Suite:
    """Tests of one project, on one kind of cloud."""

    name: str
    title: str
    project: str
    controller: str
    tests: str
    arguments: tuple
    charms: tuple
    requirements: tuple

    def markers(self):
        """Return the lines in the page that the results are between."""
        return f"<!-- begin {self.name}: scripts/conformance.py -->", f"<!-- end {self.name} -->"


_JUBILANT = {
    "project": "jubilant",
    "tests": "tests/integration",
    "charms": ("tests/integration/charms/testdb", "tests/integration/charms/testapp"),
    "requirements": ("--editable", ".", "pytest", "cryptography"),
}
# Its own fixtures build ops, lock and pack.
_OPS = {
    "project": "ops",
    "tests": "test/integration",
    "charms": (),
    # Its sources name a workspace, which the distribution does not have.
    "requirements": ("--no-sources", "--editable", ".", "--group", "integration"),
}
K8S, MACHINES = "concierge-k8s", "concierge-lxd"
SUITES = (
    Suite("jubilant-k8s", "Jubilant on Kubernetes", controller=K8S, arguments=("-m", "not machine"), **_JUBILANT),
    Suite("jubilant-machine", "Jubilant on machines", controller=MACHINES, arguments=("-m", "machine"), **_JUBILANT),
    Suite("ops-machine", "ops on machines", controller=MACHINES, arguments=(), **_OPS),
    Suite("ops-k8s", "ops on Kubernetes", controller=K8S, arguments=(), **_OPS),
)


@dataclasses.dataclass(frozen=True)
class Case:
    """What became of one test."""

    name: str
    outcome: str
    seconds: float
    message: str


class CannotRun(Exception):
    """A suite could not be run; the text says why."""


def main():
    """Run what is asked for."""
    asked = _parse()
    sources = {"jubilant": asked.jubilant, "ops": asked.ops}
    chosen = [
        suite
        for suite in SUITES
        if sources[suite.project] and (not asked.only or suite.name in asked.only)
    ]
    if not chosen:
        print("nothing to run: name a checkout with --jubilant or --ops", file=sys.stderr)
        return 2
    got_worse, failed = [], False
    for suite in chosen:
        try:
            version, cases, seconds = run(suite, sources[suite.project], asked)
        except CannotRun as error:
            print(f"{suite.name}: {error}", file=sys.stderr)
            failed = True
            continue
        passed = sum(case.outcome == "passed" for case in cases)
        print(f"{suite.name}: {passed} of {len(cases)} tests pass, in {seconds:.0f} s")
        for case in cases:
            if case.outcome != "passed":
                print(f"  {case.outcome}: {case.name}: {case.message}")
        if asked.check:
            before = passing(asked.page.read_text(), suite)
            now = {case.name: case.outcome for case in cases}
            worse = [name for name in before if now.get(name, "passed" if asked.k else "missing") != "passed"]
            got_worse.extend(f"{suite.name}: {name}: {now.get(name, 'missing')}" for name in worse)
        elif not asked.k and not asked.no_page:
            text = asked.page.read_text()
            asked.page.write_text(replaced(text, suite, table(suite, version, cases, seconds)))
    if got_worse:
        print("these passed by the page, and do not now:", *got_worse, sep="\n  ", file=sys.stderr)
        return 1
    return 3 if failed else 0


def _parse():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], epilog=__doc__.split("\n\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    path = pathlib.Path
    parser.add_argument("--jubilant", type=path, metavar="DIR", help="a checkout of canonical/jubilant")
    parser.add_argument("--ops", type=path, metavar="DIR|FILE", help="a source distribution of ops, or its folder")
    parser.add_argument("--charm", action="append", default=[], metavar="NAME=DIR[,RESOURCE=VALUE]...", help="a checkout that stands in for a charm of Charmhub; may be repeated")
    parser.add_argument("--charmproof", default="charmproof", metavar="PROGRAM", help="the program [default: on the search path]")
    parser.add_argument("--only", action="append", choices=[suite.name for suite in SUITES], help="only this suite; may be repeated")
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests that pytest selects by this; the page stays as it is")
    parser.add_argument("--junit", type=path, metavar="DIR", help="keep pytest's own reports, and its output, there")
    parser.add_argument("--page", type=path, default=PAGE, metavar="FILE", help="the page [default: docs/conformance.md]")
    parser.add_argument("--no-page", action="store_true", help="leave the page as it is")
    parser.add_argument("--check", action="store_true", help="compare with the page instead of writing it")
    parser.add_argument("--timeout", type=float, default=3600, metavar="SECONDS", help="how long a suite may take [default: 3600]")
    return parser.parse_args()


def run(suite, source, asked):
    """Run a suite. Returns the version of its project, what became of its tests, and its time."""
    program = shutil.which(asked.charmproof)
    if program is None:
        raise CannotRun(f"there is no program {asked.charmproof}; name it with --charmproof")
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        folder = pathlib.Path(folder).resolve()
        copy = _copy(source, folder / suite.project)
        data, report = folder / "juju", folder / "report.xml"
        environment = _environment(str(pathlib.Path(program).resolve()), data)
        try:
            stand_ins = [_stand_in(charm, folder) for charm in asked.charm]
            environment.update(_substitutes(stand_ins, folder, environment))
            _call(["juju", "switch", suite.controller], copy, environment)
            for charm in suite.charms:
                _call(["charmcraft", "pack"], copy / charm, environment)
            _call(["uv", "venv", "--quiet", str(folder / "venv")], copy, environment)
            python = str(folder / "venv" / "bin" / "python")
            _call(["uv", "pip", "install", "--quiet", "--python", python, *suite.requirements], copy, environment)
            words = [python, "-m", "pytest", "-v", "-p", "no:cacheprovider", f"--junitxml={report}", *suite.arguments]
            words += ["-k", asked.k] if asked.k else []
            began = time.monotonic()
            said, is_whole, code = _watch([*words, suite.tests], copy, environment, asked.timeout)
            seconds = time.monotonic() - began
        finally:
            _end(data)
        if asked.junit:
            asked.junit.mkdir(parents=True, exist_ok=True)
            (asked.junit / f"{suite.name}.log").write_text(said)
            if report.exists():
                shutil.copy(report, asked.junit / f"{suite.name}.xml")
        last = "\n".join(said.splitlines()[-20:])
        if not is_whole:
            raise CannotRun(f"it took more than {asked.timeout:.0f} s; it said\n{last}")
        refuse(code, report, last)
        return _version(copy), cases_of(report.read_text(), str(folder)), seconds


def refuse(code, report, last):
    """Raise what is wrong with a run of pytest, unless it ran its tests and some or none of them failed.

    Tests that did not run are no worse than before where `-k` selects some, so a run without any, or one that
    ended at a module which cannot be imported, must not be taken for a good one.
    """
    if code not in (0, 1):
        raise CannotRun(f"pytest ended with {code}; it said\n{last}")
    if not report.exists():
        raise CannotRun(f"pytest left no report; it said\n{last}")


def _copy(source, target):
    """Copy a checkout, or unpack a distribution; what tests leave must not lie in anybody's folder."""
    if source.is_dir():
        left_out = shutil.ignore_patterns(".git", ".venv", ".tox", "*.charm", "__pycache__", "uv.lock.new")
        shutil.copytree(source, target, ignore=left_out, symlinks=True)
        return target
    if not source.is_file():
        raise CannotRun(f"{source} is neither a folder nor a file")
    with tarfile.open(source) as archive:
        archive.extractall(target, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (folder,) = target.iterdir()
    return folder


@dataclasses.dataclass(frozen=True)
class StandIn:
    """The source of a charm that stands in for one of Charmhub."""

    name: str
    source: pathlib.Path
    resources: dict
    arguments: tuple = ()
    """Of `charmcraft pack`."""


def _stand_in(option, folder):
    """Read a `--charm`, and copy its checkout."""
    name, _, rest = option.partition("=")
    checkout, *resources = rest.split(",")
    if not checkout or not pathlib.Path(checkout).is_dir():
        raise CannotRun(f"--charm {option}: there is no folder `{checkout}`")
    source = _copy(pathlib.Path(checkout), folder / "sources" / name)
    pairs = [resource.partition("=") for resource in resources]
    return StandIn(name, source, {key: value for key, _, value in pairs})


def _substitutes(stand_ins, folder, environment):
    """Pack what stands in for charms of Charmhub. Returns the variable that says so."""
    lines = ["[substitutes]"]
    for stand_in in stand_ins:
        packed = folder / "charms" / stand_in.name
        packed.mkdir(parents=True)
        _call(["charmcraft", "pack", "-p", str(stand_in.source), *stand_in.arguments], packed, environment)
        archives = sorted(packed.glob("*.charm"))
        if not archives:
            raise CannotRun(f"`charmcraft pack` made no charm of {stand_in.name}")
        # Of several bases, that which Juju prefers, or else the oldest, which tests may ask for.
        archive = next((path for path in archives if "24.04" in path.name), archives[0])
        resources = ", ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in stand_in.resources.items())
        lines.append(f"{json.dumps(stand_in.name)} = {{ charm = {json.dumps(str(archive))}, resources = {{ {resources} }} }}")
    if not stand_ins:
        return {}
    (folder / "charmhub.toml").write_text("\n".join(lines) + "\n")
    return {"CHARMPROOF_CHARMHUB": str(folder / "charmhub.toml")}


def _version(copy):
    for name, pattern in (
        ("jubilant/__init__.py", r"__version__[^=]*= *['\"]([^'\"]+)"),
        ("PKG-INFO", r"(?m)^Version: (.+)$"),
        ("ops/version.py", r"version: str = ['\"]([^'\"]+)"),
    ):
        file = copy / name
        found = file.is_file() and re.search(pattern, file.read_text())
        if found:
            return found[1].strip()
    return "of unknown version"


def _environment(program, data):
    words = [program, "env", "--shell", "json", "--data", str(data)]
    printed = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    environment = {**os.environ, **json.loads(printed)}
    # What chooses models or pytest's options from outside would choose here as well.
    for name in ("JUJU_MODEL", "JUJU_CONTROLLER", "PYTEST_ADDOPTS", "VIRTUAL_ENV", "CHARM_PATH"):
        environment.pop(name, None)
    return environment


def _call(words, folder, environment):
    try:
        done = subprocess.run(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        raise CannotRun(f"`{words[0]}` cannot be started: {error}") from error
    if done.returncode != 0:
        raise CannotRun(f"`{' '.join(words)}` ended with {done.returncode}:\n{done.stdout.strip()}")


def _watch(words, folder, environment, timeout):
    """Run a suite. Returns what it said, whether it had time for all of it, and its exit code.

    It has a session of its own, so that Ctrl-C reaches it through us, once, and all of it can be killed.
    """
    with subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said = process.communicate(timeout=timeout)[0]
            return said, True, process.returncode
        except subprocess.TimeoutExpired:
            said = _interrupt(process)
            return said, False, process.returncode
        except KeyboardInterrupt:
            _interrupt(process)
            raise


def _interrupt(process):
    """Ask a suite to end, and kill all of it if it takes too long. Returns what it said."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=INTERRUPT_SECONDS)[0]
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]


def _end(data):
    """End what was started for some data, by what it was handed in its environment."""
    wanted = f"JUJU_DATA={data}".encode()
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 5
        living = _processes_with(wanted)
        for process in living:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue
        while living and time.monotonic() < deadline:
            time.sleep(0.05)
            living = _processes_with(wanted)
        if not living:
            return


def _processes_with(wanted):
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


def cases_of(report, folder):
    """Read pytest's report. A test that fails twice, in its body and in its teardown, is one."""
    cases = {}
    for element in ElementTree.fromstring(report).iter("testcase"):
        module = element.get("classname", "").rpartition(".")[2]
        name = f"{module}::{element.get('name', '')}" if module else element.get("name", "")
        outcome, message = "passed", ""
        for child in element:
            if child.tag in ("failure", "error"):
                outcome, message = "failed", child.get("message", "")
                break
            if child.tag == "skipped":
                is_expected = child.get("type") == "pytest.xfail"
                outcome, message = "failed as expected" if is_expected else "skipped", child.get("message", "")
        before = cases.get(name)
        seconds = float(element.get("time", 0)) + (before.seconds if before else 0)
        if before and before.outcome == "failed":
            outcome, message = before.outcome, before.message
        cases[name] = Case(name, outcome, seconds, short(message, folder))
    return list(cases.values())


def short(message, folder):
    """Return a message on one line, without what differs from run to run."""
    lines = [line.strip() for line in message.replace(folder, "…").splitlines() if line.strip()]
    # Jubilant puts what `juju` said on lines of its own, and that is what tells.
    told = [line for line in lines if line.startswith("ERROR ")]
    line = re.sub(r"jubilant-[0-9a-f]{8}", "jubilant-…", (told or lines or [""])[0].strip("\"'"))
    line = re.sub(r"/tmp/[^\s'\",)]+", "/tmp/…", line)
    return line if len(line) <= MESSAGE_LENGTH else line[: MESSAGE_LENGTH - 1] + "…"


def table(suite, version, cases, seconds):
    """Return what stands between the markers of a suite."""
    passed = sum(case.outcome == "passed" for case in cases)
    project = {"jubilant": "Jubilant", "ops": "ops"}[suite.project]
    lines = [f"{project} {version}: {passed} of {len(cases)} tests pass, in {seconds:.0f} s.", ""]
    lines += ["| Test | Result | Time | What is missing |", "|---|---|---|---|"]
    for case in cases:
        message = case.message.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{case.name}` | {case.outcome} | {case.seconds:.1f} s | {message} |")
    return "\n".join(lines)


def replaced(text, suite, new):
    """Return the page with new results of a suite, at its end if it has none of it yet."""
    begin, end = suite.markers()
    if begin not in text:
        text = f"{text.rstrip()}\n\n## {suite.title}\n\n{begin}\n{end}\n"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise CannotRun(f"the page has `{begin}` and not `{end}`")
    return f"{before}{begin}\n{new}\n{end}{after}"


def passing(text, suite):
    """Return the tests of a suite that pass by the page."""
    begin, end = suite.markers()
    part = text.partition(begin)[2].partition(end)[0]
    return re.findall(r"(?m)^\| `([^`]+)` \| passed \|", part)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
