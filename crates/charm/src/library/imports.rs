//! Which charm libraries the Python files of a charm import.

use camino::{Utf8Path, Utf8PathBuf};

use super::python_text::code_lines;
use super::{LibraryKey, api_of};
use crate::Tree;

/// An import of a charm library.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LibraryImport {
    /// The library.
    pub key: LibraryKey,
    /// The file that imports it.
    pub file: Utf8PathBuf,
    /// The line of the import, from 1.
    pub line: usize,
}

/// The charm libraries that the code of a charm imports: its sources, its
/// tests that run without Juju, and the libraries it has.
pub fn library_imports(tree: &dyn Tree) -> Vec<LibraryImport> {
    let directories = ["src", "lib", "tests/unit"];
    let mut imports = Vec::new();
    for file in directories.iter().flat_map(|directory| tree.files_below(Utf8Path::new(directory))) {
        if file.extension() != Some("py") {
            continue;
        }
        let Some(text) = tree.read(file) else {
            continue;
        };
        let found = imports_in(&text);
        imports.extend(found.into_iter().map(|(line, key)| LibraryImport { key, file: file.clone(), line }));
    }
    imports
}

/// The longest import statement that is read, in bytes.
const STATEMENT_BYTES: usize = 4_000;

/// The imports of a Python text, with their lines.
pub(super) fn imports_in(text: &str) -> Vec<(usize, LibraryKey)> {
    let lines = code_lines(text);
    let mut imports = Vec::new();
    let mut index = 0;
    while let Some(&(number, line)) = lines.get(index) {
        index += 1;
        let line = line.trim_start();
        if let Some(modules) = line.strip_prefix("import ") {
            let names = modules.split(',').map(first_word);
            imports.extend(names.filter_map(key_of_module).map(|key| (number, key)));
        } else if let Some(rest) = line.strip_prefix("from ") {
            let Some((module, names)) = rest.split_once(" import") else {
                continue;
            };
            let module = module.trim();
            if let Some(key) = key_of_module(module) {
                imports.push((number, key));
                continue;
            }
            // `from charms.traefik_k8s.v2 import ingress, other`, maybe over
            // several lines.
            let mut statement = without_comment(names).to_owned();
            let is_open = |statement: &str| {
                statement.contains('(') && !statement.contains(')') || statement.trim_end().ends_with('\\')
            };
            while statement.len() < STATEMENT_BYTES
                && is_open(&statement)
                && let Some(&(_, more)) = lines.get(index)
            {
                index += 1;
                statement.truncate(statement.trim_end_matches('\\').len());
                statement.push(' ');
                statement.push_str(without_comment(more));
            }
            for name in statement.split([',', '(', ')']).map(first_word).filter(|name| !name.is_empty()) {
                imports.extend(key_of_module(&format!("{module}.{name}")).map(|key| (number, key)));
            }
        }
    }
    imports
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or(line)
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("").trim_end_matches(';')
}

/// The library of a module `charms.<charm>.v<api>.<lib>`, or one below it.
fn key_of_module(module: &str) -> Option<LibraryKey> {
    let mut parts = module.split('.');
    if parts.next()? != "charms" {
        return None;
    }
    let (charm, version, lib) = (parts.next()?, parts.next()?, parts.next()?);
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_name(charm) || !is_name(lib) {
        return None;
    }
    Some(LibraryKey { charm: charm.to_owned(), api: api_of(version)?, lib: lib.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> =
            imports_in(text).into_iter().map(|(line, key)| format!("{line} {key}")).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn imports_are_written_in_many_ways() {
        check("from charms.a_b.v0.c import D\n", &["1 charms.a_b.v0.c"]);
        check("try:\n    import charms.a.v1.b as b, os\n", &["2 charms.a.v1.b"]);
        check("from charms.a.v2 import b, c as d  # noqa\n", &["1 charms.a.v2.b", "1 charms.a.v2.c"]);
        check(
            "from charms.a.v2 import (  # noqa\n    b,\n    c,\n)\n",
            &["1 charms.a.v2.b", "1 charms.a.v2.c"],
        );
        check("from charms.a.v2 import \\\n    b\n", &["1 charms.a.v2.b"]);
        check("from charms.a.v2.b.sub import C\n", &["1 charms.a.v2.b"]);
    }

    #[test]
    fn other_imports_are_left_alone() {
        check("from charms.reactive import when\nimport charms\nfrom charms import x\n", &[]);
        check("\"\"\"\nfrom charms.a.v0.b import C\n\"\"\"\n# from charms.a.v0.b import C\n", &[]);
        check("from charms.a.vx.b import C\n", &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_scanned(text in any::<String>(), python in "(from |import |charms|\\.|v0|a|\\(|\\)|,|\\\\|\n|#| ){0,40}") {
            let _ = imports_in(&text);
            let _ = imports_in(&python);
        }
    }
}
