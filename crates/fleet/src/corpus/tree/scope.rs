//! How much around a charm belongs to its snapshot.
//!
//! The rule: the directory that was named, and no more. A charm in a folder of
//! a large repository is copied alone, not with the repository. Only where a
//! file that says how to build or test the charm refers to a place above that
//! directory (`-e ../lib`, `path = "../lib"`, `{toxinidir}/../requirements.txt`)
//! or a uv workspace above claims it as a member, the snapshot grows to the
//! nearest directory that has both, and never past the top of the git
//! repository. References to places that do not exist do not count.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

/// Files that say how a charm is built and tested.
const SPEAKING: &[&str] = &[
    "pyproject.toml",
    "tox.ini",
    "tox.toml",
    "setup.cfg",
    "setup.py",
    "Makefile",
    "justfile",
    "Justfile",
    ".justfile",
    "charmcraft.yaml",
    "noxfile.py",
    "uv.lock",
    "poetry.lock",
];

/// Files larger than this are not read for references.
const SIZE_MAX_BYTES: u64 = 8 << 20;

/// What to take a snapshot of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The root of the snapshot.
    pub root: Utf8PathBuf,
    /// The directory that was named, seen from there; empty if it is the root.
    pub subpath: Utf8PathBuf,
    /// Why the root is not the directory that was named: file and reference.
    pub reason: Option<String>,
}

impl Scope {
    /// Returns the scope of `named`. `charm_dirs` are the charms in it, as
    /// relative paths; without any, `named` itself is looked at.
    pub fn find(named: &Utf8Path, charm_dirs: &[Utf8PathBuf]) -> std::io::Result<Self> {
        let named = named.canonicalize_utf8()?;
        let mut scope = Self { root: named.clone(), subpath: Utf8PathBuf::new(), reason: None };
        let Some(top) = named.ancestors().find(|dir| dir.join(".git").exists()) else {
            return Ok(scope);
        };
        if top == named {
            return Ok(scope);
        }
        let own = [Utf8PathBuf::new()];
        let charm_dirs = if charm_dirs.is_empty() { &own } else { charm_dirs };
        for charm in charm_dirs {
            let dir = named.join(charm);
            for (file, text) in speaking_files(&dir) {
                for reference in references(&text, file.as_str()) {
                    let target = lexical(&dir.join(&reference));
                    let outside = !target.starts_with(&scope.root);
                    if outside && target.starts_with(top) && target.exists() {
                        scope.widen(&target, format!("{}: `{reference}`", charm.join(&file)));
                    }
                }
            }
        }
        scope.join_workspace(top);
        scope.subpath = named.strip_prefix(&scope.root).unwrap_or(Utf8Path::new("")).to_owned();
        Ok(scope)
    }

    /// Grows to the nearest directory that has `target` as well.
    fn widen(&mut self, target: &Utf8Path, reason: String) {
        // The target is above us, or below something that is.
        let nearest = self.root.ancestors().find(|dir| target.starts_with(dir)).map(Utf8Path::to_owned);
        if let Some(nearest) = nearest {
            self.root = nearest;
            self.reason = Some(reason);
        }
    }

    /// Grows to a uv workspace above that claims the root as a member.
    fn join_workspace(&mut self, top: &Utf8Path) {
        let above: Vec<Utf8PathBuf> = self
            .root
            .ancestors()
            .skip(1)
            .take_while(|dir| dir.starts_with(top))
            .map(Utf8Path::to_owned)
            .collect();
        for dir in above {
            let Some(text) = read_small(&dir.join("pyproject.toml")) else {
                continue;
            };
            let member = self.root.strip_prefix(&dir).unwrap_or(Utf8Path::new(""));
            if workspace_has(&text, member) {
                self.reason = Some(format!("the uv workspace at `{dir}`"));
                self.root = dir;
                return;
            }
        }
    }
}

fn read_small(path: &Utf8Path) -> Option<String> {
    let meta = fs_err::metadata(path).ok()?;
    (meta.is_file() && meta.len() <= SIZE_MAX_BYTES).then(|| fs_err::read_to_string(path).ok()).flatten()
}

fn speaking_files(dir: &Utf8Path) -> Vec<(Utf8PathBuf, String)> {
    let Ok(entries) = dir.read_dir_utf8() else {
        return Vec::new();
    };
    let mut files: Vec<(Utf8PathBuf, String)> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let requirements = name.contains("requirements")
                && matches!(Utf8Path::new(name).extension(), Some("txt" | "in"));
            requirements || SPEAKING.contains(&name)
        })
        .filter_map(|entry| Some((entry.file_name().into(), read_small(entry.path())?)))
        .collect();
    files.sort();
    files
}

/// Returns the paths in `text` that lead upwards. A bare `..` counts where it
/// can only be a path; in a command it is as likely `cd ..`.
fn references(text: &str, file: &str) -> Vec<Utf8PathBuf> {
    let only_paths = file == "pyproject.toml" || file.contains("requirements");
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if !line.contains("..") {
            continue;
        }
        let tokens = line.split(|c: char| c.is_whitespace() || "\"'`,;=:()[]<>|&@#".contains(c));
        for token in tokens.filter(|token| token.contains("..")) {
            // `{toxinidir}/..`, `$(CURDIR)/..`, `${PWD}/..` begin in the charm.
            let variable = token.rfind(['}', '$']);
            let path = variable
                .map_or(token, |at| token[at + 1..].trim_start_matches(|c| c != '/'))
                .trim_start_matches('/');
            let path = Utf8Path::new(path);
            let climbs = path.components().any(|part| part == Utf8Component::ParentDir);
            let names = path.components().any(|part| matches!(part, Utf8Component::Normal(_)));
            if climbs && (names || only_paths || variable.is_some()) {
                found.push(path.to_owned());
            }
        }
    }
    found
}

/// Returns `path` with its `..` taken away by text alone.
fn lexical(path: &Utf8Path) -> Utf8PathBuf {
    let mut out = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// Returns whether a `pyproject.toml` has a workspace with `member` in it.
fn workspace_has(text: &str, member: &Utf8Path) -> bool {
    let Ok(table) = text.parse::<toml::Table>() else {
        return false;
    };
    let workspace = table.get("tool").and_then(|tool| tool.get("uv")).and_then(|uv| uv.get("workspace"));
    let fits = |key: &str| {
        workspace.and_then(|workspace| workspace.get(key)).and_then(toml::Value::as_array).is_some_and(
            |patterns| {
                patterns
                    .iter()
                    .filter_map(toml::Value::as_str)
                    .any(|pattern| member_matches(Utf8Path::new(pattern), member))
            },
        )
    };
    fits("members") && !fits("exclude")
}

/// Matches a workspace pattern part by part: `*` stands for one directory or a
/// piece of its name, `**` for any number of them.
fn member_matches(pattern: &Utf8Path, member: &Utf8Path) -> bool {
    fn parts(pattern: &[&str], member: &[&str]) -> bool {
        match (pattern.split_first(), member.split_first()) {
            (None, None) => true,
            (Some((&"**", rest)), _) => {
                parts(rest, member) || (!member.is_empty() && parts(pattern, &member[1..]))
            }
            (Some((first, rest)), Some((name, others))) => piece(first, name) && parts(rest, others),
            _ => false,
        }
    }
    fn piece(pattern: &str, name: &str) -> bool {
        match pattern.split_once('*') {
            None => pattern == name,
            Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
                (0..=rest.len()).filter(|&at| rest.is_char_boundary(at)).any(|at| piece(after, &rest[at..]))
            }),
        }
    }
    let pattern: Vec<&str> = pattern.components().map(|part| part.as_str()).filter(|p| *p != ".").collect();
    let member: Vec<&str> = member.components().map(|part| part.as_str()).collect();
    parts(&pattern, &member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upward_references_are_found_in_many_spellings() {
        let text = "-e ../lib\nruff @ file:../../x\n{toxinidir}/../requirements.txt\n\
                    $(CURDIR)/../common\n# ../comment\npath = \"..\"\nrange [1..3] a...b\n";
        let found: Vec<String> =
            references(text, "pyproject.toml").into_iter().map(Utf8PathBuf::into_string).collect();
        assert_eq!(found, ["../lib", "../../x", "../requirements.txt", "../common", ".."]);
        assert!(references("\tcd .. && make", "Makefile").is_empty());
        assert_eq!(references("PYTHONPATH = {toxinidir}/..", "tox.ini"), [".."]);
    }

    #[test]
    fn workspace_patterns() {
        for (pattern, member, expected) in [
            ("charms/*", "charms/a", true),
            ("charms/*", "charms/a/b", false),
            ("charms/**", "charms/a/b", true),
            ("charms/*-k8s", "charms/a-k8s", true),
            ("./charms/a", "charms/a", true),
            ("libs/*", "charms/a", false),
        ] {
            let matched = member_matches(Utf8Path::new(pattern), Utf8Path::new(member));
            assert_eq!(matched, expected, "{pattern} {member}");
        }
    }
}
