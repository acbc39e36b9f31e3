//! Names that stay the same when only the machine or the line changed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::Paths;
use super::text::{cut, one_line};

/// Most characters of a message inside a case's name.
const NAME_MESSAGE_CHARS_MAX: usize = 240;

/// What the files of Python's own library are named below.
const STANDARD_LIBRARY: &str = "<stdlib>/";

const INSTALLED_MARKERS: [&str; 2] = ["site-packages/", "dist-packages/"];

pub(crate) fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("the pattern is a constant that the tests compile")
}

static STDLIB: LazyLock<Regex> = LazyLock::new(|| pattern(r"^/\S*?/lib(?:64)?/python3\.\d+t?/"));
static INSTALLED_IN_TEXT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"[^\s'"`(=]*/(?:site|dist)-packages/"#));
static VOLATILE: LazyLock<[(Regex, &'static str); 5]> = LazyLock::new(|| {
    [
        (pattern(r"\b0x[0-9a-fA-F]{4,}\b"), "0x…"),
        (pattern(r"\b([Ll]ines?) \d+(?:[-–, ]+\d+)*"), "${1} N"),
        (pattern(r"(\.pyi?):\d+(?::\d+)?\b"), "${1}"),
        (pattern(r#"/tmp/[^\s'"`,;:)\]]+"#), "/tmp/…"),
        (pattern(r"\b\d+(?:\.\d+)? ?(?:s|ms|seconds?)\b"), "N s"),
    ]
});

impl Paths<'_> {
    /// Names a file without the machine: relative to `site-packages` for an
    /// installed one, relative to the charm for its own.
    pub(crate) fn relative(&self, file: &str) -> String {
        let file = file.strip_prefix("file://").unwrap_or(file);
        if let Some((_, inside)) = installed(file) {
            return inside.to_owned();
        }
        let charm_dir = self.charm_dir.trim_end_matches('/');
        if !charm_dir.is_empty()
            && let Some(inside) = file.strip_prefix(charm_dir)
            && let Some(inside) = inside.strip_prefix('/')
        {
            return inside.to_owned();
        }
        if let Some(found) = STDLIB.find(file) {
            return format!("{STANDARD_LIBRARY}{}", &file[found.end()..]);
        }
        file.trim_start_matches("./").to_owned()
    }

    /// Takes the volatile parts out of a message: machine paths, line numbers,
    /// addresses and durations.
    pub(crate) fn steady(&self, message: &str) -> String {
        let mut text = one_line(message);
        let charm_dir = self.charm_dir.trim_end_matches('/');
        if !charm_dir.is_empty() {
            text = text.replace(&format!("{charm_dir}/"), "").replace(charm_dir, ".");
        }
        text = INSTALLED_IN_TEXT.replace_all(&text, "").into_owned();
        for (volatile, steady) in VOLATILE.iter() {
            if let Cow::Owned(changed) = volatile.replace_all(&text, *steady) {
                text = changed;
            }
        }
        text
    }
}

/// Returns the place of the last marker and what is behind it, if the file is
/// an installed one.
fn installed(file: &str) -> Option<(usize, &str)> {
    INSTALLED_MARKERS
        .iter()
        .filter_map(|marker| file.rfind(marker).map(|at| (at, at + marker.len())))
        .filter(|(at, _)| *at == 0 || file.as_bytes()[at - 1] == b'/')
        .max()
        .map(|(at, end)| (at, &file[end..]))
}

/// Returns the top-level module that an installed file belongs to.
pub(crate) fn installed_module(file: &str) -> Option<String> {
    let (_, inside) = installed(file)?;
    let first = inside.split('/').next().unwrap_or(inside);
    let module = first.strip_suffix(".py").or_else(|| first.strip_suffix(".pyi"));
    let module = module.unwrap_or(first).trim_end_matches("-stubs");
    (!module.is_empty()).then(|| module.to_owned())
}

/// Hands out names, and counts those that come again.
#[derive(Debug, Default)]
pub(crate) struct Namer {
    taken: BTreeSet<String>,
}

impl Namer {
    /// Returns the name, with ` #2`, ` #3` … behind it if it was taken.
    pub(crate) fn unique(&mut self, name: &str) -> String {
        let mut candidate = name.to_owned();
        let mut count = 2_u32;
        while !self.taken.insert(candidate.clone()) {
            candidate = format!("{name} #{count}");
            count += 1;
        }
        candidate
    }
}

/// Joins the parts of a diagnostic's name.
pub(crate) fn diagnostic_name(tool: &str, path: &str, rule: &str, message: &str) -> String {
    let message = cut(message, NAME_MESSAGE_CHARS_MAX);
    [tool, path, rule, &message].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: Paths<'static> = Paths { charm_dir: "/work/copy" };

    fn check_path(input: &str, expected: &str, module: Option<&str>) {
        assert_eq!(PATHS.relative(input), expected);
        assert_eq!(installed_module(input).as_deref(), module);
    }

    #[test]
    fn files_are_named_without_the_machine() {
        check_path("/work/copy/src/charm.py", "src/charm.py", None);
        check_path("./src/charm.py", "src/charm.py", None);
        check_path("/work/copycat/a.py", "/work/copycat/a.py", None);
        check_path(
            "/work/copy/.tox/unit/lib/python3.11/site-packages/ops/model.py",
            "ops/model.py",
            Some("ops"),
        );
        check_path(".tox/unit/lib/python3.11/site-packages/six.py", "six.py", Some("six"));
        check_path("/usr/lib/python3/dist-packages/yaml/x.py", "yaml/x.py", Some("yaml"));
        check_path("/opt/py/lib/python3.12/unittest/mock.py", "<stdlib>/unittest/mock.py", None);
        check_path("src/my-site-packages/x.py", "src/my-site-packages/x.py", None);
    }

    fn check_message(input: &str, expected: &str) {
        assert_eq!(PATHS.steady(input), expected);
    }

    #[test]
    fn messages_lose_what_moves() {
        check_message("Redefinition of `os` from line 12", "Redefinition of `os` from line N");
        check_message("<Mock at 0x7f3a22b1>", "<Mock at 0x…>");
        check_message("see /work/copy/src/a.py:12:3 for", "see src/a.py for");
        check_message("ran /tmp/pytest-of-root/pytest-3/x", "ran /tmp/…");
        check_message("takes 2 arguments but 3 were given", "takes 2 arguments but 3 were given");
        check_message("in /work/copy/.tox/l/lib/python3.11/site-packages/ops/model.py", "in ops/model.py");
    }

    #[test]
    fn names_never_repeat() {
        let mut namer = Namer::default();
        let given = ["a", "a", "a #2", "a"].map(|name| namer.unique(name));
        assert_eq!(given, ["a", "a #2", "a #2 #2", "a #3"]);
    }
}
