//! Every text here was printed by the tool itself (tox 4.67, 4.11 and 3.28, tox-uv,
//! uv 0.13 and 0.4, pip 26, poetry 2 and 1.8, just 1.59 and 1.36, make 4.3, nox,
//! pytest 9.2, npm), on a tiny broken project; machine paths and hosts are
//! replaced, long ones are shortened. The few that are not are in [`REMEMBERED`].

use std::collections::BTreeSet;
use std::path::Path;

use super::{Exit, Kind, Seen, classify, seen, show};
use crate::classify::Runner;
use crate::classify::Runner::{Just, Make, Nox, Plain, Tox};
use crate::classify::rules::names;

/// File, runner, target, exit status, whether the commands were reached, and what
/// is made of it.
type Row = (&'static str, Runner, &'static str, i32, Option<bool>, &'static str);

#[rustfmt::skip]
const REAL: &[Row] = &[
    ("toxuv-nosuch", Tox, "nosuch", 254, Some(false), "no such target | tox-unknown-environment | tox has no such environment"),
    ("toxuv-fails", Tox, "unit", 3, Some(true), "fail | unexplained | exit 3; fails: commands[0]> python -c 'import sys; sys.exit(3)'"),
    ("toxuv-nopy", Tox, "unit", 2, Some(false), "could not prepare: interpreter | uv-interpreter-too-old | Python <3.6 is not supported but 3.5 was requested"),
    ("toxuv-allow", Tox, "unit", 1, Some(true), "could not prepare: configuration | poetry-invalid | poetry has no valid configuration"),
    ("toxuv-shell", Tox, "unit", 127, Some(true), "could not prepare: tool | shell-program-missing | skopeo: no such program"),
    ("toxuv-badreq", Tox, "unit", 1, Some(false), "could not prepare: configuration | tox-requirements-missing | tox: there is no nonexist.txt"),
    ("toxuv-nover", Tox, "unit", 1, Some(false), "could not prepare: resolver | uv-conflict | uv: no solution: Because there is no version of ops==99.1 and you require ops==99.1, we can conclude that your requirements are unsatisfiable."),
    ("toxuv-conflict", Tox, "unit", 1, Some(false), "could not prepare: resolver | uv-conflict | uv: no solution: Because ops-scenario==7.0.5 depends on ops>=2.15,<3.dev0 and you require ops-scenario==7.0.5, we can conclude that you require ops>=2.15,<3.de…"),
    ("toxuv-segv", Tox, "unit", 245, Some(true), "crashed | crash | died of SIGSEGV"),
    ("toxuv-fatal", Tox, "unit", 245, Some(true), "crashed | crash | died of SIGSEGV; Fatal Python error: Segmentation fault"),
    ("toxuv-kill", Tox, "unit", 247, Some(true), "crashed | crash | died of SIGKILL"),
    ("toxuv-unit", Tox, "unit", 0, Some(true), "empty | nothing-ran | ended well, but no test was seen to run"),
    ("toxuv-nocommands", Tox, "unit", 0, Some(false), "empty | nothing-ran | ended well, but no test was seen to run"),
    ("toxuv-ignored", Tox, "unit", 0, Some(true), "empty | nothing-ran | ended well, but no test was seen to run"),
    ("toxuv-mysqlc", Tox, "unit", 1, Some(false), "could not prepare: host package | pkg-config | build: pkg-config does not find a library"),
    ("toxuv-net", Tox, "unit", 2, Some(false), "could not prepare: network | uv-network-url | uv: could not reach https://index.example.invalid/simple/ops/"),
    ("toxuv-refused", Tox, "unit", 2, Some(false), "could not prepare: network | uv-network-url | uv: could not reach http://127.0.0.1:9/simple/ops/"),
    ("toxuv-gitreq", Tox, "unit", 1, Some(false), "could not prepare: network | git-network | git: could not reach https://index.example.invalid/canonical/operator.git/"),
    ("toxuv-hashes", Tox, "unit", 1, Some(false), "could not prepare: resolver | hash-mismatch | hashes: Hash mismatch for"),
    ("toxuv-envsub", Tox, "unit", 2, Some(true), "fail | unexplained | exit 2; /charm/.tox/envsub/bin/python: can't open file '/charm/{[vars]nope}': [Errno 2] No such file or directory"),
    ("toxuv-pre", Tox, "unit", 7, Some(true), "fail | unexplained | exit 7; pre: commands_pre[0]> python -c 'import sys; sys.exit(7)'"),
    ("toxuv-post", Tox, "unit", 2, Some(true), "fail | unexplained | exit 2; post: commands[1]> python -c 'import sys; sys.exit(2)'"),
    ("tox-nopy", Tox, "unit", 1, Some(false), "could not prepare: interpreter | tox-no-interpreter | no Python interpreter for python3.5"),
    ("tox-missing", Tox, "unit", 2, Some(true), "could not prepare: tool | tox-program-missing | poetry: no such program"),
    ("tox-nover", Tox, "unit", 1, Some(false), "could not prepare: resolver | pip-no-match | pip: no distribution for ops==99.1"),
    ("tox-conflict", Tox, "unit", 1, Some(false), "could not prepare: resolver | pip-conflict | pip: Cannot install ops-scenario==7.0.5 and ops==2.10 because these package versions have conflicting dependencies"),
    ("tox-net", Tox, "unit", 1, Some(false), "could not prepare: network | pip-network | pip: NameResolutionError for /simple/ops/"),
    ("tox-refused", Tox, "unit", 1, Some(false), "could not prepare: network | pip-network | pip: NewConnectionError for /simple/ops/"),
    ("tox-hashes", Tox, "unit", 1, Some(false), "could not prepare: resolver | hash-mismatch | hashes: THESE PACKAGES DO NOT MATCH THE HASHES"),
    ("tox-hashmissing", Tox, "unit", 1, Some(false), "could not prepare: resolver | hash-mismatch | hashes: Hashes are required in --require-hashes mode"),
    ("tox-badini", Tox, "unit", 254, Some(false), "could not prepare: configuration | tox-no-configuration | tox cannot read tox.ini: File contains no section headers."),
    ("tox-badtoml", Tox, "unit", 254, Some(false), "could not prepare: configuration | tox-no-configuration | tox cannot read tox.toml: Expected ']' at the end of a table declaration (at line 1, column 10)"),
    ("tox-badtype", Tox, "unit", 1, Some(false), "could not prepare: configuration | tox-bad-value | tox: unit.commands: value of type 'str' is not list"),
    ("tox-lockrunner", Tox, "unit", 254, Some(false), "could not prepare: tool | tox-plugin-missing | tox: the plugin for runner uv-venv-lock-runner is missing"),
    ("tox-badpyproject", Tox, "unit", 254, Some(false), "could not prepare: configuration | tox-no-configuration | tox cannot read pyproject.toml: Expected ']' at the end of a table declaration (at line 4, column 10)"),
    ("tox-none", Tox, "unit", 254, Some(false), "no such target | tox-unknown-environment | tox has no such environment"),
    ("tox-requires", Tox, "unit", 1, Some(false), "could not prepare: resolver | uv-conflict | uv: no solution: Because only tox<=4.67.15 is available and you require tox>=99, we can conclude that your requirements are unsatisfiable."),
    ("tox-requires-missing", Tox, "unit", 1, Some(false), "could not prepare: resolver | uv-conflict | uv: no solution: Because tox-no-such-plugin was not found in the package registry and you require tox-no-such-plugin, we can conclude that your requirements ar…"),
    ("tox-skip", Tox, "unit", 1, Some(false), "could not prepare: interpreter | tox-skipped-interpreter | tox skipped it: no Python interpreter for python3.5"),
    ("toxold-skip", Tox, "unit", 255, Some(false), "could not prepare: interpreter | tox-skipped-interpreter | tox skipped it: no Python interpreter for python3.5"),
    ("tox3-nosuch", Tox, "nosuch", 1, Some(false), "no such target | tox3-unknown-environment | tox has no such environment"),
    ("tox-al-unit", Tox, "unit", 1, Some(true), "could not prepare: configuration | tox-allowlist | tox: ls is not in allowlist_externals"),
    ("tox-al-after", Tox, "unit", 1, Some(true), "fail | tox-allowlist-after-tests | tests passed (1 passed); tox: ls is not in allowlist_externals"),
    ("tox-al-nocov", Tox, "unit", 1, Some(true), "could not prepare: tool | python-module-missing | python -m coverage: no such module"),
    ("tox-al-empty", Tox, "unit", 5, Some(true), "empty | pytest-nothing | pytest ran no test"),
    ("tox-al-gone", Tox, "unit", 2, Some(true), "could not prepare: tool | tox-program-missing | tests passed (1 passed); nosuchprogram: no such program"),
    ("nox-nosuch", Nox, "static", 3, None, "no such target | nox-no-session | nox has no such session"),
    ("nox-unit", Nox, "unit", 1, None, "fail | unexplained | exit 1; nox > Command false failed with exit code 1"),
    ("nox-old", Nox, "unit", 1, None, "could not prepare: interpreter | nox-no-interpreter | no Python interpreter for 3.5"),
    ("nox-miss", Nox, "unit", 1, None, "could not prepare: tool | nox-program-missing | nosuchprogram: no such program"),
    ("nox-bad", Nox, "unit", 1, None, "could not prepare: configuration | noxfile-broken | noxfile.py: SyntaxError: invalid syntax"),
    ("uv-stale", Plain, "unit", 1, None, "could not prepare: resolver | uv-lock-stale | uv: uv.lock is out of date"),
    ("uv-stale-run", Plain, "unit", 1, None, "could not prepare: resolver | uv-lock-stale | uv: uv.lock is out of date"),
    ("uv-frozen-missing", Plain, "unit", 1, None, "could not prepare: resolver | uv-lock-missing | uv: there is no uv.lock"),
    ("uv-nosolution", Plain, "unit", 1, None, "could not prepare: resolver | uv-conflict | uv: no solution: Because ops-scenario==7.0.5 depends on ops>=2.15,<3.dev0 and your project depends on ops==2.10, we can conclude that ops-scenario==7.0.5 and y…"),
    ("uv-nopython", Plain, "unit", 2, None, "could not prepare: interpreter | uv-no-interpreter | no interpreter for Python 3.9"),
    ("uv-requires-python", Plain, "unit", 2, None, "could not prepare: interpreter | uv-no-interpreter | no interpreter for Python >=3.19"),
    ("uv-pyversionfile", Plain, "unit", 2, None, "could not prepare: network | uv-network-url | uv: could not reach https://github.com/astral-sh/python-build-standalone/releases/download/20251031/cpython-3.9.25%2B20251031-x86_64-unknown-linux-gnu-install_…"),
    ("uv-badproject", Plain, "unit", 1, None, "could not prepare: configuration | project-at-fault | uv: x: Failed to parse metadata from built wheel"),
    ("uv-badtoml", Plain, "unit", 2, None, "could not prepare: configuration | toml-broken | pyproject.toml is no TOML"),
    ("uv-nogroup", Plain, "unit", 2, None, "could not prepare: configuration | group-missing | Group `unit` is not defined"),
    ("uv-spawn", Plain, "unit", 2, None, "could not prepare: tool | uv-program-missing | nosuchprogram: no such program"),
    ("uv-offline", Plain, "unit", 1, None, "could not prepare: network | uv-offline | uv: the network was switched off"),
    ("uv-refused", Plain, "unit", 2, None, "could not prepare: network | uv-network-url | uv: could not reach http://127.0.0.1:9/simple/ops/"),
    ("uv-notfound", Plain, "unit", 1, None, "could not prepare: resolver | uv-conflict | uv: no solution: Because no-such-package was not found in the package registry and your project depends on no-such-package, we can conclude that your project's…"),
    ("uv-nowheel", Plain, "unit", 1, None, "could not prepare: resolver | uv-distribution-missing | uv: there is no file:///nope/x.whl"),
    ("uv-incompatible2", Plain, "unit", 2, None, "could not prepare: interpreter | uv-interpreter-excluded | Python 3.10.13 does not fit the project's requires-python, `>=3.12`"),
    ("uv-python-unsat", Plain, "unit", 1, None, "could not prepare: interpreter | uv-dependency-wants-python | a dependency needs Python>=3.10, but the Python is >=3.8"),
    ("uv-header", Plain, "unit", 1, None, "could not prepare: host package | header-missing | build: nosuchheader.h is missing"),
    ("uv-disk", Plain, "unit", 2, None, "could not prepare: disk | disk-full | no space left on the disk"),
    ("uv-nomodule", Plain, "unit", 1, None, "could not prepare: tool | python-module-missing | python -m pytest: no such module"),
    ("uvold-nosolution", Plain, "unit", 1, None, "could not prepare: resolver | uv-conflict | uv: no solution: Because ops-scenario==7.0.5 depends on ops>=2.15,<3.dev0 and your"),
    ("uvold-net", Plain, "unit", 2, None, "could not prepare: network | uv-network-url | uv: could not reach https://index.example.invalid/simple/ops/"),
    ("uvold-stale", Plain, "unit", 2, None, "could not prepare: resolver | uv-lock-stale | uv: uv.lock is out of date"),
    ("uvold-nopython", Plain, "unit", 2, None, "could not prepare: interpreter | uv-no-interpreter | no interpreter for Python >=3.19"),
    ("uvold-mysql", Plain, "unit", 2, None, "could not prepare: host package | pkg-config | build: pkg-config does not find a library"),
    ("poetry-stale", Plain, "unit", 1, None, "could not prepare: resolver | poetry-lock-stale | poetry: poetry.lock is out of date"),
    ("poetry1-stale", Plain, "unit", 1, None, "could not prepare: resolver | poetry-lock-stale | poetry: poetry.lock is out of date"),
    ("poetry-solver2", Plain, "unit", 1, None, "could not prepare: resolver | poetry-solver | poetry: So, because x depends on b (1.0) @ file:///charm/b, version solving failed."),
    ("poetry-python", Plain, "unit", 1, None, "could not prepare: interpreter | poetry-no-interpreter | poetry found no Python that the project accepts"),
    ("poetry-badtoml", Plain, "unit", 1, None, "could not prepare: configuration | toml-broken | pyproject.toml is no TOML"),
    ("poetry-nogroup", Plain, "unit", 1, None, "could not prepare: configuration | group-missing | Group(s) not found: unit"),
    ("poetry-cmd", Plain, "unit", 1, None, "could not prepare: tool | poetry-program-missing | nosuchprogram: no such program"),
    ("poetry-net", Plain, "unit", 1, None, "could not prepare: network | poetry-network | poetry: could not reach index.example.invalid"),
    ("poetry-nocandidate", Plain, "unit", 1, None, "could not prepare: resolver | poetry-no-candidate | poetry: Unable to find installation candidates for opentelemetry-api (1.45.2)"),
    ("poetry1-net", Plain, "unit", 1, None, "could not prepare: network | requests-network | could not reach index.example.invalid"),
    ("poetry-notfound", Plain, "unit", 1, None, "could not prepare: resolver | poetry-solver | poetry: Because x depends on no-such-package (1) which doesn't match any versions, version solving failed."),
    ("poetry-invalid", Plain, "unit", 1, None, "could not prepare: configuration | poetry-invalid | poetry has no valid configuration"),
    ("just-nosuch", Just, "static", 1, None, "no such target | just-no-recipe | the justfile has no such recipe"),
    ("justold-nosuch", Just, "static", 1, None, "no such target | just-no-recipe | the justfile has no such recipe"),
    ("just-fails", Just, "unit", 1, None, "fail | unexplained | exit 1; error: recipe `fails` failed on line 4 with exit code 1"),
    ("just-missing", Just, "unit", 127, None, "could not prepare: tool | shell-program-missing | nosuchprogram: no such program"),
    ("just-shebang", Just, "unit", 127, None, "could not prepare: tool | shell-program-missing | nosuchinterp: no such program"),
    ("just-variable", Just, "unit", 1, None, "could not prepare: configuration | just-broken | just: variable `nope` not defined"),
    ("justold-variable", Just, "unit", 1, None, "could not prepare: configuration | just-broken | just: Variable `nope` not defined"),
    ("just-syntax", Just, "unit", 1, None, "could not prepare: configuration | just-broken | just: expected '*', ':', '$', identifier, or '+', but found end of line"),
    ("just-setting", Just, "unit", 1, None, "could not prepare: configuration | just-broken | just: unknown setting `nosuchsetting`"),
    ("just-mod", Just, "unit", 1, None, "could not prepare: configuration | just-broken | just: could not find source file for module `nosuch`"),
    ("just-none", Just, "unit", 1, None, "no such target | just-no-justfile | there is no justfile"),
    ("just-dep", Just, "unit", 1, None, "could not prepare: configuration | just-broken | just: recipe `unit` has unknown dependency `lint`"),
    ("just-args", Just, "unit", 1, None, "could not prepare: configuration | just-arguments | just: recipe `unit` got 0 positional arguments but takes 1"),
    ("justold-args", Just, "unit", 1, None, "could not prepare: configuration | just-arguments | just: Recipe `unit` got 0 arguments but takes 1"),
    ("just-sig", Just, "unit", 139, None, "crashed | crash | died of SIGSEGV"),
    ("make-unit", Make, "unit", 2, None, "fail | make-prerequisite | make: No rule to make target 'build/thing', needed by 'unit'"),
    ("make-nosuch", Make, "nosuch", 2, None, "no such target | make-no-rule | the makefile has no such target"),
    ("make-fails", Make, "unit", 2, None, "fail | unexplained | exit 1; make: *** [Makefile:4: fails] Error 1"),
    ("make-missing", Make, "unit", 2, None, "could not prepare: tool | shell-program-missing | nosuchprogram: no such program"),
    ("make-nested", Make, "unit", 2, None, "fail | make-prerequisite | make: No rule to make target 'other'"),
    ("make-sig", Make, "unit", 2, None, "crashed | crash | died of SIGSEGV"),
    ("make-two", Make, "unit", 2, None, "fail | unexplained | exit 2; make: *** [Makefile:14: two] Error 2"),
    ("make-syntax", Make, "unit", 2, None, "could not prepare: configuration | make-broken | make: Makefile:2: missing separator"),
    ("make-none", Make, "unit", 2, None, "no such target | make-no-rule | the makefile has no such target"),
    ("pytest-collect", Plain, "unit", 2, None, "error in collection | tests-not-collected | 2 collection errors; AttributeError x1 (+1 other)"),
    ("pytest-conftest", Plain, "unit", 4, None, "could not prepare: charm library | charm-library-missing | the charm library charms is missing"),
    ("pytest-empty", Plain, "unit", 5, None, "empty | pytest-nothing | pytest ran no test"),
    ("pytest-nopath", Plain, "unit", 4, None, "fail | pytest-no-path | pytest: there is no tests/nosuch"),
    ("pytest-badopt", Plain, "unit", 4, None, "fail | pytest-usage | pytest: unrecognized arguments: --nosuchopt"),
    ("pytest-crash", Plain, "unit", 139, None, "crashed | crash | died of SIGSEGV"),
    ("pytest-xcrash", Plain, "unit", 1, None, "crashed | tests-crashed | 1 failed; worker 'gw1' crashed while running 'crash/te..."),
    ("pytest-cov", Plain, "unit", 1, None, "fail | pytest-coverage | tests passed (1 passed); Coverage failure: total of 20 is less than fail-under=99"),
    ("coverage-under", Plain, "unit", 2, None, "fail | pytest-coverage | Coverage failure: total of 20 is less than fail-under=99"),
    ("pytest-internal", Plain, "unit", 3, None, "fail | pytest-internal | internal error of pytest or a plugin: RuntimeError: plug"),
    ("pytest-confattr", Plain, "unit", 4, None, "error in collection | pytest-conftest | error in conftest.py: AttributeError: module 'ops' has no attribute 'NoSuch'"),
    ("pytest-nopytest", Plain, "unit", 1, None, "could not prepare: tool | python-module-missing | python -m pytest: no such module"),
    ("unittest-empty", Plain, "unit", 0, None, "empty | nothing-ran | ended well, but no test was seen to run"),
    ("pip-sdist-c", Plain, "unit", 1, None, "could not prepare: host package | pkg-config | build: pkg-config does not find a library"),
    ("pip-refused", Plain, "unit", 1, None, "could not prepare: network | pip-network | pip: NewConnectionError for /simple/ops/"),
    ("pip-reqpy", Plain, "unit", 1, None, "could not prepare: interpreter | pip-requires-python | mp needs another Python: 3.11.2 not in '>=3.99'"),
    ("pip-header", Plain, "unit", 1, None, "could not prepare: host package | header-missing | build: nosuchheader.h is missing"),
    ("pip-nogcc", Plain, "unit", 1, None, "could not prepare: host package | compiler-missing | build: x86_64-linux-gnu-gcc is missing"),
    ("pip-pgconfig", Plain, "unit", 1, None, "could not prepare: host package | config-program-missing | build: pg_config is missing"),
    ("pip-rust", Plain, "unit", 1, None, "could not prepare: host package | compiler-missing | build: x86_64-linux-gnu-gcc is missing"),
    ("pip-git", Plain, "unit", 1, None, "could not prepare: network | git-network | git: could not reach https://index.example.invalid/x.git/"),
    ("pip-disk", Plain, "unit", 2, None, "could not prepare: disk | disk-full | no space left on the disk"),
    ("npm-net", Plain, "unit", 1, None, "could not prepare: network | npm-network | npm: ENOTFOUND"),
    ("git-auth", Plain, "unit", 128, None, "could not prepare: network | git-network | git: could not reach https://index.example.invalid/private.git/"),
    ("bash-127", Plain, "unit", 127, None, "could not prepare: tool | shell-program-missing | skopeo: no such program"),
    ("pip-build", Plain, "unit", 1, None, "could not prepare: host package | build-failed | could not build file:///charm on this host"),
    ("uv-build", Plain, "unit", 1, None, "could not prepare: host package | build-backend-failed | could not build a dependency on this host"),
    ("pip-library", Plain, "unit", 1, None, "could not prepare: host package | library-missing | build: the library -lnosuchlib is missing"),
    ("pip-gitref", Plain, "unit", 1, None, "could not prepare: resolver | git-reference | git: there is no nosuchref"),
    ("uv-gitref", Plain, "unit", 1, None, "could not prepare: resolver | git-reference | git: there is no refs/tags/nosuchref"),
    ("py-network", Plain, "unit", 1, None, "could not prepare: network | python-network | a download failed: the host could not be reached"),
    ("curl-network", Plain, "unit", 6, None, "could not prepare: network | network | Could not resolve host"),
    ("unittest-312", Plain, "unit", 5, None, "empty | unittest-nothing | unittest ran no test"),
    ("pytest-mark", Plain, "unit", 5, None, "empty | pytest-nothing | pytest ran no test"),
];

/// Texts that could not be produced here; they are from the tools' documentation
/// or source.
#[rustfmt::skip]
const REMEMBERED: &[Row] = &[
    ("ERROR:  old: InterpreterNotFound: python3.5\n", Tox, "unit", 1, None, "could not prepare: interpreter | tox3-no-interpreter | no Python interpreter for python3.5"),
    ("ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url: /x.whl\n", Plain, "unit", 1, None, "could not prepare: network | pip-network-error | pip: a host could not be reached"),
    ("error: Failed to fetch: `https://h/simple/ops/`\n  Caused by: HTTP status server error (503 Service Unavailable) for url (https://h/simple/ops/)\n", Plain, "unit", 2, None, "could not prepare: network | uv-network | uv: a host could not be reached"),
    ("fatal: could not read Username for 'https://github.com': terminal prompts disabled\n", Plain, "unit", 1, None, "could not prepare: network | git-login | git: the repository asks for a login"),
    ("error: Package `ops` attempted to resolve via URL: git+https://h/x.\nURL dependencies must be expressed as direct requirements or constraints.\n", Plain, "unit", 2, None, "could not prepare: resolver | uv-url-dependency | uv: a URL dependency has to be a direct requirement"),
    ("  × No solution found when resolving dependencies:\n", Plain, "unit", 1, None, "could not prepare: resolver | uv-no-solution | uv: no solution"),
    ("ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/\n", Plain, "unit", 1, None, "could not prepare: resolver | pip-impossible | pip: no versions fit together"),
    ("error: recipe `unit` failed with exit code 127\n", Just, "unit", 127, None, "could not prepare: tool | program-missing | a program that the target calls is missing (exit 127)"),
    ("      error: can't find Rust compiler\n", Plain, "unit", 1, None, "could not prepare: host package | rust-missing | build: Rust is missing"),
    ("ROOT: HandledError| circular chain detected unit, unit\n", Tox, "unit", 254, None, "could not prepare: configuration | tox-refused | tox: circular chain detected unit, unit"),
    ("=== test session starts ===\n\n___ ERROR collecting tests/test_a.py ___\ntests/test_a.py:1: in <module>\nE   NameError: name 'x' is not defined\n", Plain, "unit", 2, None, "error in collection | pytest-not-collected | collection error in tests/test_a.py: NameError: name 'x' is not defined"),
    ("!!!!!! Interrupted: 2 errors during collection !!!!!!\n", Plain, "unit", 2, None, "error in collection | pytest-interrupted | 2 errors during collection"),
];

fn check(log: &str, &(name, runner, target, code, reached_commands, expected): &Row) {
    let seen =
        Seen { runner, target, exit: Exit::Exited(code), reached_commands, kind: Kind::Suite, ..seen(log) };
    assert_eq!(show(&classify(&seen)), expected, "{name}");
}

fn text(name: &str) -> String {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/classify/testdata").join(format!("{name}.txt"));
    fs_err::read_to_string(path).unwrap()
}

#[test]
fn real_texts_are_understood() {
    for row in REAL {
        check(&text(row.0), row);
    }
}

#[test]
fn remembered_texts_are_understood() {
    for row in REMEMBERED {
        check(row.0, row);
    }
}

#[test]
fn every_rule_has_a_text() {
    let shown: BTreeSet<&str> =
        REAL.iter().chain(REMEMBERED).filter_map(|row| row.5.split(" | ").nth(1)).collect();
    let silent: Vec<_> = names().filter(|name| !shown.contains(name)).collect();
    assert_eq!(silent, Vec::<&str>::new());
}
