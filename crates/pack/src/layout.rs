//! A charm's folder as `charmcraft pack` would make it, for code that runs in it.
//!
//! The code is copied as it is; what charmcraft writes (`dispatch`, and `metadata.yaml`,
//! `actions.yaml` and `config.yaml` out of `charmcraft.yaml`) is written. Packages are not laid
//! into it: they come from the charm's environment. What its parts do not take is not there, as
//! code that needs it fails for the charm's users; where scripts decide that, everything is.

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::{Broken, DiskTree, TreeError};
use thiserror::Error;

use crate::declaration::declarations;
use crate::recipe::{Ignored, Part, Recipe};

/// The most that a charm's own files may take.
const BYTES_MAX: u64 = 256 << 20;
/// The most files that a charm may have.
const FILES_MAX: u64 = 50_000;
/// Folders at the top that no charm is run from.
const LEFT_OUT: [&str; 8] =
    ["tests", "venv", "env", "build", "dist", "node_modules", "__pycache__", "htmlcov"];

/// Runs the program of a hook as Juju does where there is no `dispatch`; a hook that has none is
/// passed over.
const HOOKS_DISPATCH: &str = "#!/bin/sh\n\
    program=\"$(dirname \"$(realpath \"$0\")\")/$JUJU_DISPATCH_PATH\"\n\
    if [ -e \"$program\" ]; then exec \"$program\"; fi\n";

/// Why a charm could not be laid out.
#[derive(Debug, Error)]
pub enum LayoutError {
    /// A file could not be read or written.
    #[error("the charm could not be copied: {0}")]
    Io(#[from] std::io::Error),
    /// There is too much of it.
    #[error("`{folder}` is no charm's folder: {what}; is something else in it?")]
    TooLarge {
        /// The folder.
        folder: Utf8PathBuf,
        /// Which limit it exceeds.
        what: &'static str,
    },
    /// There is nothing to run.
    #[error("`{folder}` has neither src/charm.py, nor dispatch, nor hooks, so there is no code to run")]
    NoProgram {
        /// The folder.
        folder: Utf8PathBuf,
    },
    /// Its declaration cannot be read.
    #[error("what the charm declares cannot be read")]
    Declaration(#[from] Broken),
    /// Its folder cannot be read.
    #[error("the charm cannot be read")]
    Tree(#[from] TreeError),
}

/// A charm that was laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The folder.
    pub folder: Utf8PathBuf,
    /// The charm's Python program, relative to the folder.
    pub program: Utf8PathBuf,
    /// Whether the charm brings its own `dispatch`.
    pub has_own_dispatch: bool,
}

/// Lays the charm in `source` out in the new folder `target`, to be run by `python`.
pub fn lay_out(source: &Utf8Path, target: &Utf8Path, python: &Utf8Path) -> Result<Layout, LayoutError> {
    let recipe = DiskTree::open(source).ok().and_then(|tree| Recipe::read(&tree).ok());
    let is_plain = |part: &Part| part.script.is_none() && part.organized.is_empty();
    let recipe = recipe.filter(|recipe| recipe.parts.iter().all(is_plain));
    let taken = recipe.map(|recipe| Taken::new(source, recipe));
    let mut copy = Copy { source, taken, bytes_left: BYTES_MAX, files_left: FILES_MAX };
    copy.folder(source, target, true)?;
    declare(source, target)?;
    let program = Utf8PathBuf::from("src/charm.py");
    let dispatch = target.join("dispatch");
    let has_own_dispatch = dispatch.exists();
    if !has_own_dispatch {
        let text = if target.join(&program).exists() {
            dispatch_text(python, &program)
        } else if target.join("hooks").is_dir() {
            HOOKS_DISPATCH.to_owned()
        } else {
            return Err(LayoutError::NoProgram { folder: source.to_owned() });
        };
        fs_err::write(&dispatch, text)?;
        make_executable(&dispatch)?;
    }
    Ok(Layout { folder: target.to_owned(), program, has_own_dispatch })
}

/// Returns what charmcraft writes as `dispatch`, with the environment's own Python.
fn dispatch_text(python: &Utf8Path, program: &Utf8Path) -> String {
    format!(
        "#!/bin/sh\n\
         dispatch_path=\"$(dirname \"$(realpath \"$0\")\")\"\n\
         JUJU_DISPATCH_PATH=\"${{JUJU_DISPATCH_PATH:-$0}}\" \
         PYTHONPATH=\"${{dispatch_path}}/lib:${{dispatch_path}}/src\" \
         exec '{python}' \"${{dispatch_path}}/{program}\"\n"
    )
}

struct Copy<'a> {
    source: &'a Utf8Path,
    /// None takes everything.
    taken: Option<Taken>,
    bytes_left: u64,
    files_left: u64,
}

impl Copy<'_> {
    fn folder(&mut self, from: &Utf8Path, to: &Utf8Path, is_top: bool) -> Result<(), LayoutError> {
        fs_err::create_dir_all(to)?;
        for entry in from.read_dir_utf8()? {
            let entry = entry?;
            let name = entry.file_name();
            let is_left_out = name.starts_with('.')
                || name == "__pycache__"
                || (is_top && (LEFT_OUT.contains(&name) || name.ends_with(".charm")));
            if is_left_out {
                continue;
            }
            let kind = entry.file_type()?;
            let target = to.join(name);
            if let (Some(taken), Ok(path)) = (&self.taken, entry.path().strip_prefix(self.source))
                && !taken.has(path, kind.is_dir())
            {
                continue;
            }
            if kind.is_dir() {
                self.folder(entry.path(), &target, false)?;
            } else if kind.is_symlink() {
                fs_err::os::unix::fs::symlink(fs_err::read_link(entry.path())?, &target)?;
            } else if kind.is_file() {
                let too_large = |what| LayoutError::TooLarge { folder: self.source.to_owned(), what };
                let bytes = entry.metadata()?.len();
                let bytes_left = self.bytes_left.checked_sub(bytes);
                self.bytes_left = bytes_left.ok_or_else(|| too_large("it has more than 256 MiB"))?;
                let files_left = self.files_left.checked_sub(1);
                self.files_left = files_left.ok_or_else(|| too_large("it has more than 50,000 files"))?;
                fs_err::copy(entry.path(), &target)?;
            }
        }
        Ok(())
    }
}

/// What the parts of a charm take of its folder.
struct Taken {
    recipe: Recipe,
    /// Of the parts that take the whole folder.
    ignored: Ignored,
}

impl Taken {
    fn new(source: &Utf8Path, recipe: Recipe) -> Self {
        let text = fs_err::read_to_string(source.join(".jujuignore")).unwrap_or_default();
        Self { recipe, ignored: Ignored::read(&text) }
    }

    /// Whether a file is taken, or a folder looked into.
    fn has(&self, path: &Utf8Path, is_folder: bool) -> bool {
        // What Juju reads is there in any case.
        let is_declaration = matches!(path.as_str(), "metadata.yaml" | "config.yaml" | "actions.yaml");
        is_declaration || self.recipe.parts.iter().any(|part| self.is_of(part, path, is_folder))
    }

    fn is_of(&self, part: &Part, path: &Utf8Path, is_folder: bool) -> bool {
        let Ok(inside) = path.strip_prefix(&part.source) else {
            return is_folder && part.source.starts_with(path);
        };
        let is_chosen = is_folder || part.selections.iter().all(|selection| selection.takes(inside));
        is_chosen && (inside.as_str().is_empty() || part.takes(inside, is_folder, &self.ignored))
    }
}

/// Writes the files that ops reads, where only charmcraft.yaml has what belongs into them.
fn declare(source: &Utf8Path, target: &Utf8Path) -> Result<(), LayoutError> {
    let tree = DiskTree::open(source)?;
    for (file, text) in declarations(&tree, None)? {
        if !target.join(&file).exists() {
            fs_err::write(target.join(file), text)?;
        }
    }
    Ok(())
}

fn make_executable(path: &Utf8Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files that a charm with such parts is laid out with.
    fn check(parts: &str, expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let charm = folder.join("charm");
        let head = "name: a\nsummary: s\ndescription: d\nbase: ubuntu@24.04\nplatforms: {amd64: }\n";
        let files = [
            ("charmcraft.yaml", format!("{head}{parts}").as_str()),
            ("src/charm.py", ""),
            ("lib/charms/b/v0/c.py", ""),
            ("templates/a.j2", ""),
            ("config.yaml", "options: {}\n"),
            (".jujuignore", "*.md\n"),
            ("README.md", ""),
        ]
        .map(|(file, text)| (charm.join(file), text.to_owned()));
        for (path, text) in files {
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        let unit = folder.join("unit");
        lay_out(&charm, &unit, Utf8Path::new("python3")).unwrap();
        let mut found = Vec::new();
        let mut waiting = vec![unit.clone()];
        while let Some(folder) = waiting.pop() {
            for entry in folder.read_dir_utf8().unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    waiting.push(entry.into_path());
                } else {
                    found.push(entry.path().strip_prefix(&unit).unwrap().to_string());
                }
            }
        }
        found.sort();
        assert_eq!(found, expected, "{parts}");
    }

    #[test]
    fn what_no_part_takes_is_not_there() {
        let usual = ["config.yaml", "dispatch", "lib/charms/b/v0/c.py", "metadata.yaml", "src/charm.py"];
        check("parts: {it: {plugin: uv}}\n", &usual);
        let with_templates = [&usual[..], &["templates/a.j2"]].concat();
        check(
            "parts: {it: {plugin: uv}, files: {plugin: dump, source: ., stage: [templates]}}\n",
            &with_templates,
        );
        let all = [&["charmcraft.yaml"][..], &with_templates].concat();
        check("", &all);
        let with_readme = [&["README.md"][..], &all].concat();
        check("parts: {it: {plugin: uv, override-build: 'true; craftctl default'}}\n", &with_readme);
    }
}
