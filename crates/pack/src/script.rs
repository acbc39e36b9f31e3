//! Scripts of parts (`override-build`), run in the sandbox as craft-parts would run them.
//!
//! Most of them prepare a compiler, ask for what is usual (`craftctl default`), and add a file. There
//! is nothing to compile here, so programs that only install tools are passed over. Nothing of the
//! user's is written to: the script works on a copy of the part's source.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_sandbox::Ended;

use crate::environment::{Caged, CharmEnvironment, EnvironmentContext, caged};
use crate::error::PackError;
use crate::prime::{Content, Files, RunsScripts};
use crate::recipe::{Architecture, Part, Platform, Recipe, Script};

/// Programs that install tools. What a script then needs of them, it will miss by itself.
const PASSED_OVER: [&str; 6] = ["rustup", "snap", "apt", "apt-get", "add-apt-repository", "rustc"];
/// How many of the last lines of a script an error shows.
const SAID_LINES: usize = 15;

/// Which environment Poetry uses is settled before a script runs. What else it is asked for, it does.
const POETRY: &str = r#"#!/bin/sh
case "$1" in
env | config | --version) exit 0 ;;
esac
exec uv tool run poetry "$@"
"#;

const CRAFTCTL: &str = r#"#!/bin/sh
case "$1" in
default)
    cp -R "$CHARMPROOF_USUAL/." "$CRAFT_PART_INSTALL/"
    # Where it is made for the installer, charmcraft leaves it beside the sources.
    [ ! -e "$CHARMPROOF_REQUIREMENTS" ] || [ -e requirements.txt ] || cp "$CHARMPROOF_REQUIREMENTS" requirements.txt
    ;;
*)
    echo "craftctl $1 is not done by charmproof" >&2
    exit 1
    ;;
esac
"#;

/// Runs the scripts of one charm for one platform.
#[derive(Debug)]
pub struct Scripts<'a> {
    /// The sandbox, the cache and the limits.
    pub context: &'a EnvironmentContext<'a>,
    /// The charm's folder.
    pub charm: &'a Utf8Path,
    /// The charm.
    pub recipe: &'a Recipe,
    /// What it is packed for.
    pub platform: &'a Platform,
    /// Its packages.
    pub environment: Option<&'a CharmEnvironment>,
    /// A folder in the cache for all that is made, which has to outlive the files of the charm.
    pub scratch: &'a Utf8Path,
}

impl RunsScripts for Scripts<'_> {
    fn run(&self, part: &Part, script: &Script, usual: &Files) -> Result<Utf8PathBuf, PackError> {
        let folder = self.scratch.join(&part.name);
        let place = |name: &str| folder.join(name);
        for name in ["home/.local/bin", "tmp", "bin", "build", "install", "usual"] {
            fs_err::create_dir_all(place(name))?;
        }
        lay(usual, &place("usual"))?;
        lay(&self.sources(part)?, &place("build"))?;
        program(&place("bin/craftctl"), CRAFTCTL)?;
        for name in PASSED_OVER {
            program(&place("bin").join(name), "#!/bin/sh\nexit 0\n")?;
        }
        let mut visible = vec![self.charm.to_owned()];
        if let Ok(uv) = self.context.tools.uv() {
            let uv = uv.canonicalize_utf8().unwrap_or(uv);
            visible.extend(uv.parent().map(Utf8Path::to_path_buf));
            // Other parts are passed over that would install both, there.
            for name in ["bin/uv", "home/.local/bin/uv"] {
                fs_err::os::unix::fs::symlink(&uv, place(name))?;
            }
            for name in ["bin/poetry", "home/.local/bin/poetry"] {
                program(&place(name), POETRY)?;
            }
        }
        let text = format!("set -e\n{}\n", script.text);
        fs_err::write(place("script"), text)?;
        let log = place("script.log");
        let mut spec = caged(
            self.context,
            &Caged {
                program: "bash".into(),
                arguments: &[place("script").into_string()],
                working_directory: &place("build"),
                folder: &folder,
                writable: &folder,
                visible: &visible.iter().map(Utf8PathBuf::as_path).collect::<Vec<_>>(),
                log: &log,
            },
        );
        spec.environment.extend(script.variables.iter().cloned());
        spec.environment.extend(self.variables(part, &folder));
        let record = self.context.launcher.run(&spec, self.context.cancel)?;
        let why = match record.ended {
            Ended::Exited { code: 0 } => return Ok(place("install")),
            Ended::Exited { code } => format!("ended with {code}"),
            Ended::Cancelled => "was interrupted".to_owned(),
            Ended::Signalled { signal } => format!("was ended by signal {signal}"),
            Ended::TimedOut { .. } | Ended::Silent { .. } => "took too long".to_owned(),
            Ended::OutOfMemory { .. } => "wanted too much memory".to_owned(),
            Ended::TooManyProcesses { .. } => "wanted too many processes".to_owned(),
            Ended::DiskFull { .. } => "found the disk full".to_owned(),
        };
        let bytes = fs_err::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let said = lines[lines.len().saturating_sub(SAID_LINES)..].join("\n");
        Err(PackError::Script { part: part.name.clone(), line: script.line, why, said })
    }
}

impl Scripts<'_> {
    /// The sources of a part, as they are copied to be built: all but what tools keep for themselves.
    fn sources(&self, part: &Part) -> Result<Files, PackError> {
        let source: Utf8PathBuf = self.charm.join(&part.source).components().collect();
        let left_out = [".git", ".tox", ".venv", "venv", "__pycache__", "node_modules"];
        crate::prime::folder(&source, &|path, is_folder| {
            !(is_folder && left_out.contains(&path.file_name().unwrap_or_default()))
                && path.extension() != Some("charm")
        })
    }

    fn variables(&self, part: &Part, folder: &Utf8Path) -> Vec<(String, String)> {
        let place = |name: &str| folder.join(name).into_string();
        let architecture = Architecture::of_host().map(|host| host.to_string()).unwrap_or_default();
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        let requirements = self.environment.map_or_else(Utf8PathBuf::new, |environment| {
            environment.prefix.with_file_name("requirements.txt")
        });
        let mut variables = vec![
            ("CHARMPROOF_USUAL", place("usual")),
            ("CHARMPROOF_REQUIREMENTS", requirements.into_string()),
            ("CRAFT_PROJECT_DIR", self.charm.to_string()),
            ("CRAFT_PROJECT_NAME", self.recipe.name.clone()),
            ("CRAFT_PLATFORM", self.platform.label.clone()),
            ("CRAFT_ARCH_BUILD_ON", architecture.clone()),
            ("CRAFT_ARCH_BUILD_FOR", architecture),
            ("CRAFT_ARCH_TRIPLET", triplet.clone()),
            ("CRAFT_ARCH_TRIPLET_BUILD_ON", triplet.clone()),
            ("CRAFT_ARCH_TRIPLET_BUILD_FOR", triplet),
            ("CRAFT_PARALLEL_BUILD_COUNT", "1".to_owned()),
            ("CRAFT_PART_NAME", part.name.clone()),
            ("CRAFT_PART_SRC", place("build")),
            ("CRAFT_PART_SRC_WORK", place("build")),
            ("CRAFT_PART_BUILD", place("build")),
            ("CRAFT_PART_BUILD_WORK", place("build")),
            ("CRAFT_PART_INSTALL", place("install")),
            ("UV_NO_CACHE", "1".to_owned()),
            ("PATH", format!("{}:{}", place("bin"), self.context.search_path)),
        ];
        // The copy has no history of its own.
        let history = self.charm.join(&part.source).join(".git");
        if history.exists() {
            variables.push(("GIT_DIR", history.into_string()));
            variables.push(("GIT_WORK_TREE", self.charm.join(&part.source).into_string()));
            variables.push(("GIT_OPTIONAL_LOCKS", "0".to_owned()));
            variables.push(("GIT_CONFIG_COUNT", "1".to_owned()));
            variables.push(("GIT_CONFIG_KEY_0", "safe.directory".to_owned()));
            variables.push(("GIT_CONFIG_VALUE_0", "*".to_owned()));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Writes files into a folder. They are copies, so that whoever changes one changes no other.
fn lay(files: &Files, folder: &Utf8Path) -> Result<(), PackError> {
    for (place, content) in files {
        let path = folder.join(place);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        match content {
            Content::File { path: from, .. } => {
                fs_err::copy(from, &path)?;
            }
            Content::Text { text, is_executable } => {
                fs_err::write(&path, text)?;
                let mode = if *is_executable { 0o755 } else { 0o644 };
                fs_err::set_permissions(&path, PermissionsExt::from_mode(mode))?;
            }
        }
    }
    Ok(())
}

fn program(path: &Utf8Path, text: &str) -> Result<(), PackError> {
    let mut file = fs_err::File::create(path)?;
    file.write_all(text.as_bytes())?;
    fs_err::set_permissions(path, PermissionsExt::from_mode(0o755))?;
    Ok(())
}
