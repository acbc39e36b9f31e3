//! The rules, in the order in which they are asked.
//!
//! Each has a test with a real text of the tool in `classify/tests.rs`; the few
//! texts that could not be produced are marked there.

use charmproof_store::outcome::{Outcome, PrepareKind};

use super::Phase;
use crate::classify::Runner;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Its name, which the tests and the records use.
    pub(super) name: &'static str,
    /// How far the run may have come.
    pub(super) phases: &'static [Phase],
    /// Whose words these are; empty for anybody's.
    pub(super) runners: &'static [Runner],
    /// What has to hold besides.
    pub(super) needs: Needs,
    /// Whether the whole log is read whatever the phase: pytest says some things
    /// above its counts.
    pub(super) reads_all: bool,
    /// What the log has to say.
    pub(super) pattern: &'static str,
    /// What it means.
    pub(super) outcome: Outcome,
    /// What people are told; `$1` is the pattern's first group.
    pub(super) says: &'static str,
}

/// What a rule asks for besides its text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// The failing command ended with 127: its program was not found.
    NotFound,
}

/// Before the target's own commands, for sure or perhaps.
const SET_UP: &[Phase] = &[Phase::SetUp, Phase::Unknown];
/// Before any test session; many charms install within their commands.
const BEFORE_TESTS: &[Phase] = &[Phase::SetUp, Phase::Unknown, Phase::Commands];
/// Whenever no case failed.
const ANY: &[Phase] = &[Phase::SetUp, Phase::Unknown, Phase::Commands, Phase::Session, Phase::AfterTests];
/// In or after the target's own commands.
const TESTS: &[Phase] = &[Phase::Unknown, Phase::Commands, Phase::Session, Phase::AfterTests];
/// Where no case was seen at all.
const NO_CASES: &[Phase] = &[Phase::Unknown, Phase::Commands, Phase::Session];

const ANYONE: &[Runner] = &[];
const TOX: &[Runner] = &[Runner::Tox];
const JUST: &[Runner] = &[Runner::Just];
const MAKE: &[Runner] = &[Runner::Make];
const NOX: &[Runner] = &[Runner::Nox];

const INTERPRETER: Outcome = Outcome::CouldNotPrepare(PrepareKind::Interpreter);
const TOOL: Outcome = Outcome::CouldNotPrepare(PrepareKind::Tool);
const HOST_PACKAGE: Outcome = Outcome::CouldNotPrepare(PrepareKind::HostPackage);
const RESOLVER: Outcome = Outcome::CouldNotPrepare(PrepareKind::Resolver);
const NETWORK: Outcome = Outcome::CouldNotPrepare(PrepareKind::Network);
const CHARM_LIBRARY: Outcome = Outcome::CouldNotPrepare(PrepareKind::CharmLibrary);
const DISK: Outcome = Outcome::CouldNotPrepare(PrepareKind::Disk);
const CONFIGURATION: Outcome = Outcome::CouldNotPrepare(PrepareKind::Configuration);

const fn rule(
    name: &'static str,
    phases: &'static [Phase],
    runners: &'static [Runner],
    pattern: &'static str,
    outcome: Outcome,
    says: &'static str,
) -> Rule {
    Rule { name, phases, runners, needs: Needs::Nothing, reads_all: false, pattern, outcome, says }
}

const fn in_session(name: &'static str, pattern: &'static str, says: &'static str) -> Rule {
    let own = rule(name, TESTS, ANYONE, pattern, Outcome::Fail, says);
    Rule { reads_all: true, ..own }
}

const fn not_found(name: &'static str, pattern: &'static str, says: &'static str) -> Rule {
    let own = rule(name, ANY, ANYONE, pattern, TOOL, says);
    Rule { needs: Needs::NotFound, ..own }
}

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // The target does not exist.
    rule("tox-unknown-environment", SET_UP, TOX, r"(?m)^ROOT: HandledError\| provided environments not found in configuration file:\s+@TARGET@$", Outcome::NoSuchTarget, "tox has no such environment"),
    rule("tox3-unknown-environment", SET_UP, TOX, r"(?m)^ERROR: unknown environment '@TARGET@'$", Outcome::NoSuchTarget, "tox has no such environment"),
    rule("just-no-recipe", SET_UP, JUST, r"(?im)^error: justfile does not contain recipe `@TARGET@`\.?$", Outcome::NoSuchTarget, "the justfile has no such recipe"),
    rule("just-no-justfile", SET_UP, JUST, r"(?im)^error: no justfile found$", Outcome::NoSuchTarget, "there is no justfile"),
    rule("make-no-rule", SET_UP, MAKE, r"(?m)^g?make: \*\*\* No rule to make target [`'‘]@TARGET@['’]\.  Stop\.$", Outcome::NoSuchTarget, "the makefile has no such target"),
    rule("nox-no-session", SET_UP, NOX, r"(?m)^nox > Sessions not found: @TARGET@$", Outcome::NoSuchTarget, "nox has no such session"),

    // The disk; before all else, as it makes everything else fail too.
    rule("disk-full", BEFORE_TESTS, ANYONE, r"(?i)no space left on device|\[Errno 28\]|\bENOSPC\b|disk quota exceeded|\[Errno 122\]", DISK, "no space left on the disk"),

    // Interpreters.
    rule("tox-skipped-interpreter", SET_UP, TOX, r"(?m)^\S+: skipped because could not find python interpreter with spec\(s\): (.+)$", INTERPRETER, "tox skipped it: no Python interpreter for $1"),
    rule("tox-no-interpreter", SET_UP, TOX, r"(?m)^\S+: failed with could not find python interpreter matching any of the specs (.+)$", INTERPRETER, "no Python interpreter for $1"),
    rule("tox3-no-interpreter", SET_UP, TOX, r"(?m)^ERROR: +(?:\S+: )?InterpreterNotFound: (.+)$", INTERPRETER, "no Python interpreter for $1"),
    rule("nox-no-interpreter", SET_UP, NOX, r"(?m)^nox > Session .+ (?:failed|skipped): Python interpreter (.+) not found\.$", INTERPRETER, "no Python interpreter for $1"),
    rule("uv-no-interpreter", BEFORE_TESTS, ANYONE, r"(?m)^error: No interpreter found for (.+?) in .+$", INTERPRETER, "no interpreter for $1"),
    rule("uv-interpreter-too-old", BEFORE_TESTS, ANYONE, r"(?m)^error: Invalid version request: (.+?)\.?$", INTERPRETER, "$1"),
    rule("uv-interpreter-excluded", BEFORE_TESTS, ANYONE, r"(?m)^error: .*(Python \d\S*), which is incompatible with the project's Python requirement: (\S+)", INTERPRETER, "$1 does not fit the project's requires-python, $2"),
    rule("uv-dependency-wants-python", BEFORE_TESTS, ANYONE, r"(?m)\bBecause the (?:requested|current) Python version \((.+?)\) does not satisfy (Python\S+)", INTERPRETER, "a dependency needs $2, but the Python is $1"),
    rule("poetry-no-interpreter", BEFORE_TESTS, ANYONE, r"(?m)^Poetry was unable to find a compatible version\.", INTERPRETER, "poetry found no Python that the project accepts"),
    rule("pip-requires-python", BEFORE_TESTS, ANYONE, r"(?m)^ *ERROR: Package '(.+?)' requires a different Python: (.+)$", INTERPRETER, "$1 needs another Python: $2"),

    // The network; before the resolvers, which misread it.
    rule("pip-network", BEFORE_TESTS, ANYONE, r"(?m)^ *WARNING: Retrying \(Retry\(total=0,.*connection broken by '(\w+)\(.*?\)': (\S+)$", NETWORK, "pip: $1 for $2"),
    rule("pip-network-error", BEFORE_TESTS, ANYONE, r"(?m)^ *(?:ERROR: (?:Could not install packages due to an OSError|HTTP error [45]\d\d while getting).*(?:Max retries exceeded|Connection|[Tt]imed out|SSLError|HTTP error [45]).*|pip\._vendor\.(?:urllib3|requests)\.exceptions\.(?:ReadTimeoutError|ConnectTimeoutError|ProtocolError|IncompleteRead|ConnectionError|SSLError)\b.*)$", NETWORK, "pip: a host could not be reached"),
    rule("uv-network-url", BEFORE_TESTS, ANYONE, r"(?m)^[ │├╰─▶×]*(?:cause: |Caused by: |error: )?error sending request for url \((\S+?)\)$", NETWORK, "uv: could not reach $1"),
    rule("uv-network", BEFORE_TESTS, ANYONE, r"(?m)^[ │├╰─▶×]*(?:cause: |Caused by: |error: )?(?:dns error\b.*|client error \(Connect\)|tcp connect error\b.*|Could not connect, are you offline\?|operation timed out|HTTP status (?:server|client) error \((?:429|5\d\d).*)$", NETWORK, "uv: a host could not be reached"),
    rule("uv-offline", BEFORE_TESTS, ANYONE, r"(?m)^\s*hint: Packages were unavailable because the network was disabled", NETWORK, "uv: the network was switched off"),
    rule("poetry-network", BEFORE_TESTS, ANYONE, r"(?m)^All attempts to connect to (\S+) failed\.$", NETWORK, "poetry: could not reach $1"),
    rule("requests-network", BEFORE_TESTS, ANYONE, r"(?m)^\s*(?:(?:\w+\.)*\w+: )?HTTPS?ConnectionPool\(host='(.+?)', port=\d+\): (?:Max retries exceeded|Read timed out)", NETWORK, "could not reach $1"),
    rule("git-network", BEFORE_TESTS, ANYONE, r"(?m)^\s*fatal: unable to access '(.+?)': .+$", NETWORK, "git: could not reach $1"),
    rule("git-login", BEFORE_TESTS, ANYONE, r"(?m)^\s*(?:fatal: could not read (?:Username|Password) for '(.+?)'.*|fatal: Authentication failed for '.+'|git@.+: Permission denied \(publickey\)\.?|fatal: Could not read from remote repository\.)$", NETWORK, "git: the repository asks for a login"),
    rule("npm-network", BEFORE_TESTS, ANYONE, r"(?m)^npm (?:error|ERR!) (?:code |errno )?(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT)\b", NETWORK, "npm: $1"),
    rule("python-network", BEFORE_TESTS, ANYONE, r"(?m)^\s*urllib\.error\.URLError: <urlopen error .*(?:\[Errno -\d+\]|timed out|\[SSL).*$", NETWORK, "a download failed: the host could not be reached"),
    rule("network", SET_UP, ANYONE, r"(?m)^.*(Temporary failure in name resolution|Could not resolve host\b|Network is unreachable|Connection reset by peer|Connection timed out|certificate verify failed).*$", NETWORK, "$1"),

    // Locks and resolvers.
    rule("uv-lock-stale", BEFORE_TESTS, ANYONE, r"(?m)^error: The lockfile at `uv\.lock` needs to be updated", RESOLVER, "uv: uv.lock is out of date"),
    rule("uv-lock-missing", BEFORE_TESTS, ANYONE, r"(?m)^error: Unable to find lockfile at `uv\.lock`", RESOLVER, "uv: there is no uv.lock"),
    rule("uv-url-dependency", BEFORE_TESTS, ANYONE, r"URL dependencies must be expressed\s+as direct requirements", RESOLVER, "uv: a URL dependency has to be a direct requirement"),
    rule("uv-conflict", BEFORE_TESTS, ANYONE, r"No solution found when resolving [^\n]*\n\s*(?:cause: |╰─▶ )?(Because [^\n]+)", RESOLVER, "uv: no solution: $1"),
    rule("uv-no-solution", BEFORE_TESTS, ANYONE, r"No solution found when resolving", RESOLVER, "uv: no solution"),
    rule("uv-distribution-missing", BEFORE_TESTS, ANYONE, r"(?m)^error: Distribution not found at: (\S+)$", RESOLVER, "uv: there is no $1"),
    rule("hash-mismatch", BEFORE_TESTS, ANYONE, r"(?m)^.*(THESE PACKAGES DO NOT MATCH THE HASHES|Hash mismatch for|Hashes are required in --require-hashes mode|not found in known hashes).*$", RESOLVER, "hashes: $1"),
    rule("pip-conflict", BEFORE_TESTS, ANYONE, r"(?m)^ *ERROR: (Cannot install .+ because these package versions have conflicting dependencies)\.$", RESOLVER, "pip: $1"),
    rule("pip-impossible", BEFORE_TESTS, ANYONE, r"(?m)^ *ERROR: ResolutionImpossible", RESOLVER, "pip: no versions fit together"),
    rule("pip-no-match", BEFORE_TESTS, ANYONE, r"(?m)^ *ERROR: No matching distribution found for (.+)$", RESOLVER, "pip: no distribution for $1"),
    rule("poetry-lock-stale", BEFORE_TESTS, ANYONE, r"(?m)^(?:Error: )?(?:pyproject\.toml changed significantly since poetry\.lock was last generated|poetry\.lock is not up to date with pyproject\.toml)", RESOLVER, "poetry: poetry.lock is out of date"),
    rule("poetry-solver", BEFORE_TESTS, ANYONE, r"(?m)^\s*(.*version solving failed\.|SolverProblemError.*)$", RESOLVER, "poetry: $1"),
    rule("git-reference", BEFORE_TESTS, ANYONE, r"(?m)^\s*(?:error: pathspec '(.+?)' did not match|fatal: couldn't find remote ref (\S+)|fatal: Remote branch (\S+) not found)", RESOLVER, "git: there is no $1$2$3"),

    // Programs that are missing.
    rule("tox-plugin-missing", SET_UP, TOX, r"(?m)^ROOT: HandledError\| runner '(.+?)' for environment '.+' is not available", TOOL, "tox: the plugin for runner $1 is missing"),
    rule("tox-program-missing", ANY, TOX, r"(?m)^\S+: Exception running subprocess \[Errno 2\] No such file or directory: '(.+)'$", TOOL, "$1: no such program"),
    rule("nox-program-missing", ANY, NOX, r"(?m)^nox > Program (\S+) not found\.$", TOOL, "$1: no such program"),
    rule("uv-program-missing", ANY, ANYONE, r"(?m)^error: Failed to spawn: `?([^`\n]+)`?$", TOOL, "$1: no such program"),
    rule("poetry-no-candidate", BEFORE_TESTS, ANYONE, r"(?m)^\s*\|?\s*(Unable to find installation candidates for .+)$", RESOLVER, "poetry: $1"),
    rule("poetry-program-missing", ANY, ANYONE, r"(?m)^Command not found: (\S+)$", TOOL, "$1: no such program"),
    rule("python-module-missing", BEFORE_TESTS, ANYONE, r"(?m)^\S*python[\d.]*: No module named ([\w.-]+)$", TOOL, "python -m $1: no such module"),
    not_found("shell-program-missing", r"(?m)^(?:\S*sh|env|/\S+/env|g?make(?:\[\d+\])?): (?:line )?(?:\d+: )?[‘']?([^:’'\n]+)[’']?: (?:(?:command )?not found|No such file or directory)$", "$1: no such program"),
    not_found("program-missing", r"\A", "a program that the target calls is missing (exit 127)"),

    // Packages of the host.
    rule("header-missing", BEFORE_TESTS, ANYONE, r"(?m)^.*fatal error: (\S+\.h(?:pp)?): No such file or directory.*$", HOST_PACKAGE, "build: $1 is missing"),
    rule("config-program-missing", BEFORE_TESTS, ANYONE, r"(?m)^.*\b((?:pg|mysql|mariadb|xml2|xslt|curl|krb5|cups|ldap)[-_]config)\b(?: executable)?(?::|,)? (?:command )?not found.*$", HOST_PACKAGE, "build: $1 is missing"),
    rule("pkg-config", BEFORE_TESTS, ANYONE, r"(?m)^\s*(?:Exception: Can not find valid pkg-config name\.?|.*\bpkg-config: (?:command )?not found|.*No package '\S+' found|Command 'pkg-config .+' returned non-zero exit status \d+\.)$", HOST_PACKAGE, "build: pkg-config does not find a library"),
    rule("compiler-missing", BEFORE_TESTS, ANYONE, r"(?m)^\s*(?:.*\b(gcc|cc|g\+\+|clang|make|cmake|ninja)['’]?: (?:command )?not found|error: command '(\S*(?:gcc|cc|g\+\+|clang))' failed: No such file or directory|unable to execute '(\S+)': No such file or directory|error: \[Errno 2\] No such file or directory: '(\S*(?:gcc|cc|g\+\+|clang))')$", HOST_PACKAGE, "build: $1$2$3$4 is missing"),
    rule("rust-missing", BEFORE_TESTS, ANYONE, r"(?m)^.*(?:Cargo, the Rust package manager, is not installed|can't find Rust compiler|Rust not found|`?cargo`? (?:is not installed|not found)|rustc[^\n]*(?:not found|No such file)).*$", HOST_PACKAGE, "build: Rust is missing"),
    rule("library-missing", BEFORE_TESTS, ANYONE, r"(?m)^.*\bld: cannot find (-l\S+?):?(?: No such file or directory)?$", HOST_PACKAGE, "build: the library $1 is missing"),

    // The charm's own configuration.
    rule("tox-no-configuration", SET_UP, TOX, r"(?m)^ROOT: HandledError\| (\w+) failed loading \S*?([^/\s]+) due to (.+)$", CONFIGURATION, "tox cannot read $2: $3"),
    rule("tox-refused", SET_UP, TOX, r"(?m)^ROOT: HandledError\| (.+)$", CONFIGURATION, "tox: $1"),
    rule("tox-bad-value", BEFORE_TESTS, TOX, r"(?m)^\S+: failed to load (\S+): (.+)$", CONFIGURATION, "tox: $1: $2"),
    rule("tox-requirements-missing", BEFORE_TESTS, TOX, r"(?m)^\S+: failed with Could not open requirements file (?:\S*/)?([^/\s:]+): ", CONFIGURATION, "tox: there is no $1"),
    rule("tox-allowlist", BEFORE_TESTS, TOX, r"(?m)^\S+: failed with (\S+) (?:\(resolves to \S+\) )?is not allowed, use allowlist_externals to allow it$", CONFIGURATION, "tox: $1 is not in allowlist_externals"),
    rule("tox-allowlist-after-tests", &[Phase::Session, Phase::AfterTests], TOX, r"(?m)^\S+: failed with (\S+) (?:\(resolves to \S+\) )?is not allowed, use allowlist_externals to allow it$", Outcome::Fail, "tox: $1 is not in allowlist_externals"),
    rule("project-at-fault", BEFORE_TESTS, ANYONE, r"(?m)^error: Failed to build `(\S+) @ file://\S+`\n +cause: (Failed to parse metadata.+)$", CONFIGURATION, "uv: $1: $2"),
    rule("toml-broken", BEFORE_TESTS, ANYONE, r"(?m)^[ ×]*(?:error: |cause: |Caused by: |warning: )?(?:TOML parse error at (line \d+)|Failed to parse:? `?\S*pyproject\.toml|Invalid TOML file).*$", CONFIGURATION, "pyproject.toml is no TOML"),
    rule("poetry-invalid", BEFORE_TESTS, ANYONE, r"(?m)^(?:The Poetry configuration is invalid:\s*(?:- )?(.+)|Poetry could not find a pyproject\.toml file in .+)$", CONFIGURATION, "poetry has no valid configuration"),
    rule("group-missing", BEFORE_TESTS, ANYONE, r"(?m)^(?:error: )?(Group `.+` is not defined|Extra `.+` is not defined|Group\(s\) not found: \S+)", CONFIGURATION, "$1"),
    rule("just-broken", BEFORE_TESTS, JUST, r"(?m)^error: (.+)\n +(?:——▶|-->) \S+:\d+:\d+$", CONFIGURATION, "just: $1"),
    rule("just-arguments", BEFORE_TESTS, JUST, r"(?im)^error: (recipe `.+` got \d+ (?:positional )?arguments? but takes .+)$", CONFIGURATION, "just: $1"),
    rule("make-broken", BEFORE_TESTS, MAKE, r"(?m)^(\S*[Mm]akefile\S*:\d+): \*\*\* (.+?)\.  Stop\.$", CONFIGURATION, "make: $1: $2"),
    rule("make-prerequisite", &[Phase::Unknown, Phase::Commands], MAKE, r"(?m)^g?make(?:\[\d+\])?: \*\*\* (No rule to make target .+?)\.  Stop\.$", Outcome::Fail, "make: $1"),
    rule("noxfile-broken", SET_UP, NOX, r#"(?m)^  File "\S*?noxfile\.py", line \d+\n(?:.*\n){1,4}(SyntaxError: .+)$"#, CONFIGURATION, "noxfile.py: $1"),

    // A build that failed for another reason.
    rule("build-failed", BEFORE_TESTS, ANYONE, r"(?m)^[ ×]*(?:error: Failed to build `?([^`\n]+?)`?|ERROR: Failed building wheel for (\S+)|ERROR: Failed to build '(.+?)' when .+|Failed to (?:download and )?build `?([^`\n]+?)`?)$", HOST_PACKAGE, "could not build $1$2$3$4 on this host"),
    rule("build-backend-failed", BEFORE_TESTS, ANYONE, r"(?m)^ *(?:error|cause): The build backend returned an error$", HOST_PACKAGE, "could not build a dependency on this host"),

    // Libraries of charms, where nothing was collected because of them.
    rule("charm-library-missing", NO_CASES, ANYONE, r"(?m)^(?:E +)?ModuleNotFoundError: No module named '(charms(?:\.[\w.]+)?)'$", CHARM_LIBRARY, "the charm library $1 is missing"),

    // pytest's own words.
    rule("pytest-conftest", NO_CASES, ANYONE, r"(?s)ImportError while loading conftest '(?:[^'\n]*/)?([^'/\n]+/[^'/\n]+|[^'/\n]+)'.*?\nE +([^\n]+)", Outcome::CollectionError, "error in $1: $2"),
    rule("pytest-not-collected", NO_CASES, ANYONE, r"(?s)\n_+ ERROR collecting (\S+) _+\n.*?\nE +([^\n]+)", Outcome::CollectionError, "collection error in $1: $2"),
    rule("pytest-interrupted", NO_CASES, ANYONE, r"(?m)^!+ Interrupted: (\d+ errors? during collection) !+$", Outcome::CollectionError, "$1"),
    in_session("pytest-internal", r"(?m)^INTERNALERROR> (?:\w+\.)*(\w+(?:Error|Exception).*)$", "internal error of pytest or a plugin: $1"),
    rule("pytest-no-path", NO_CASES, ANYONE, r"(?m)^ERROR: file or directory not found: (\S+)$", Outcome::Fail, "pytest: there is no $1"),
    rule("pytest-usage", NO_CASES, ANYONE, r"(?m)^\S*(?:pytest|__main__\.py): error: (.+)$", Outcome::Fail, "pytest: $1"),
    rule("pytest-nothing", NO_CASES, ANYONE, r"(?m)^(?:=+ )?(?:no tests ran|\d+ deselected) in [\d.]+s(?: =+)?$", Outcome::Empty, "pytest ran no test"),
    rule("unittest-nothing", NO_CASES, ANYONE, r"(?m)^NO TESTS RAN$|^Ran 0 tests in [\d.]+s$", Outcome::Empty, "unittest ran no test"),
    in_session("pytest-coverage", r"(?m)^(?:FAIL (Required test coverage of .+?)|(?:ERROR: )?(Coverage failure: .+?)|ERROR: (Total coverage .+?))\.?$", "$1$2$3"),
];
