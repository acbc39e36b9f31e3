//! The grammar of `--swap` and `--baseline`.
//!
//! A spec is a PEP 508 requirement with a few short forms that charm people know:
//!
//! | form | meaning |
//! |---|---|
//! | `ops==3.8.0`, `ops>=3,<4` | a published release |
//! | `ops @ ../operator`, `ops @ file:///…` | a local checkout |
//! | `ops @ ./dist/ops-3.9.0-py3-none-any.whl` | a wheel |
//! | `ops @ git+https://…/operator@ref#subdirectory=d` | a git repository |
//! | `ops @ owner:branch` | a fork of the package's usual repository |
//! | `charms.NAME.vN.LIB -> FILE or requirement` | a vendored charm library |

use std::fmt;
use std::str::FromStr;

use camino::Utf8PathBuf;
use pep508_rs::{PackageName, Requirement, VerbatimUrl, VersionOrUrl};
use serde::{Deserialize, Serialize};

/// One thing to swap, as the user asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwapSpec {
    /// A Python distribution.
    Package(PackageSpec),
    /// A charm library that charms carry in `lib/charms`.
    Library(LibrarySpec),
}

/// A Python distribution to swap in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageSpec {
    /// As typed, for reports.
    pub text: String,
    /// The normalised name.
    pub name: String,
    /// Where it comes from.
    pub source: PackageSource,
}

/// A vendored charm library to replace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibrarySpec {
    /// As typed, for reports.
    pub text: String,
    /// The charm's name as the import spells it, for example `data_platform_libs`.
    pub charm: String,
    /// The API version, the `N` of `vN`.
    pub api: u32,
    /// The library's name.
    pub library: String,
    /// What takes its place.
    pub replacement: Replacement,
}

/// What takes the place of a vendored library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replacement {
    /// Another file.
    File(Utf8PathBuf),
    /// A distribution whose module is re-exported under the library's name.
    Package(Box<PackageSpec>),
}

/// Where a distribution comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackageSource {
    /// The package index; the text of the version specifiers, maybe empty.
    Index(String),
    /// A local source tree, as typed (relative to the working directory).
    Path(Utf8PathBuf),
    /// A local wheel.
    Wheel(Utf8PathBuf),
    /// A git repository.
    Git {
        /// What `git fetch` is given.
        url: String,
        /// Branch, tag or commit; the default branch where absent.
        reference: Option<String>,
        /// The folder of the package inside the repository.
        subdirectory: Option<String>,
    },
}

/// A spec that cannot be read, with the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// The whole spec.
    pub text: String,
    /// Byte offset at which the trouble starts.
    pub offset: usize,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What to write instead, if that is known.
    pub hint: Option<String>,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.text[..self.offset.min(self.text.len())].chars().count();
        write!(f, "cannot read the swap: {}\n    {}\n    {}^", self.message, self.text, " ".repeat(column))?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecError {}

const FORMS: &str = "write for example 'ops==3.8.0', 'ops @ ../operator' or 'ops @ owner:branch'";

/// The repository that a package is usually built from, for `owner:branch`.
/// Only packages whose repository keeps its name in a fork can be listed here.
fn usual_repository(name: &str) -> Option<(&'static str, Option<String>)> {
    match name {
        "ops" => Some(("operator", None)),
        "ops-scenario" => Some(("operator", Some("testing".into()))),
        "ops-tracing" => Some(("operator", Some("tracing".into()))),
        "jubilant" => Some(("jubilant", None)),
        "pytest-jubilant" => Some(("pytest-jubilant", None)),
        "pytest-operator" => Some(("pytest-operator", None)),
        _ => name.strip_prefix("charmlibs-").map(|library| {
            let folder = match library.strip_prefix("interfaces-") {
                Some(interface) => format!("interfaces/{interface}"),
                None => library.to_string(),
            };
            ("charmlibs", Some(folder))
        }),
    }
}

impl SwapSpec {
    /// Reads one `--swap` or `--baseline`.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let trimmed = text.trim();
        if let Some((left, right)) = trimmed.split_once("->") {
            return parse_library(trimmed, left, right).map(Self::Library);
        }
        parse_package(trimmed).map(Self::Package)
    }

    /// As typed.
    pub fn text(&self) -> &str {
        match self {
            Self::Package(spec) => &spec.text,
            Self::Library(spec) => &spec.text,
        }
    }

    /// What must not be swapped twice: the distribution, or the library's import name.
    pub fn subject(&self) -> String {
        match self {
            Self::Package(spec) => spec.name.clone(),
            Self::Library(spec) => spec.import_name(),
        }
    }
}

impl LibrarySpec {
    /// For example `charms.data_platform_libs.v0.data_interfaces`.
    pub fn import_name(&self) -> String {
        format!("charms.{}.v{}.{}", self.charm, self.api, self.library)
    }

    /// The file's place below a charm, for example
    /// `lib/charms/data_platform_libs/v0/data_interfaces.py`.
    pub fn file(&self) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("lib/charms/{}/v{}/{}.py", self.charm, self.api, self.library))
    }
}

fn parse_library(text: &str, left: &str, right: &str) -> Result<LibrarySpec, SpecError> {
    let fail = |offset: usize, message: &str| SpecError {
        text: text.to_string(),
        offset,
        message: message.to_string(),
        hint: Some("write for example 'charms.tempo_k8s.v2.tracing -> ./tracing.py'".into()),
    };
    let parts: Vec<&str> = left.trim().split('.').collect();
    let [charms, charm, version, library] = parts.as_slice() else {
        return Err(fail(0, "a library is named as 'charms.NAME.vN.LIB'"));
    };
    if *charms != "charms" {
        return Err(fail(0, "a library's name starts with 'charms.'"));
    }
    let api = version
        .strip_prefix('v')
        .and_then(|digits| digits.parse::<u32>().ok())
        .ok_or_else(|| fail(left.find(version).unwrap_or(0), "expected an API version such as 'v0' here"))?;
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    for part in [charm, library] {
        if !is_word(part) {
            return Err(fail(left.find(part).unwrap_or(0), "expected a Python name here"));
        }
    }
    let target = right.trim();
    let offset = text.find(target).unwrap_or(text.len());
    if target.is_empty() {
        return Err(fail(text.len(), "expected a file or a requirement behind '->'"));
    }
    let looks_like_file = target.ends_with(".py");
    let replacement = if looks_like_file {
        Replacement::File(expand_home(target.strip_prefix("file://").unwrap_or(target)))
    } else {
        let package = parse_package(target).map_err(|error| SpecError {
            text: text.to_string(),
            offset: offset + error.offset,
            ..error
        })?;
        Replacement::Package(Box::new(package))
    };
    Ok(LibrarySpec {
        text: text.to_string(),
        charm: (*charm).to_string(),
        api,
        library: (*library).to_string(),
        replacement,
    })
}

fn parse_package(text: &str) -> Result<PackageSpec, SpecError> {
    let fail = |offset: usize, message: String, hint: Option<&str>| SpecError {
        text: text.to_string(),
        offset,
        message,
        hint: Some(hint.unwrap_or(FORMS).to_string()),
    };
    if text.is_empty() {
        return Err(fail(0, "it is empty".into(), None));
    }
    let Some((left, right)) = text.split_once('@') else {
        // The library panics at a name that ends in a dash, so the name is checked first.
        let name: String =
            text.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        if PackageName::from_str(&name).is_err() {
            return Err(fail(0, format!("'{name}' is not the name of a distribution"), None));
        }
        let requirement = Requirement::<VerbatimUrl>::from_str(text).map_err(|error| {
            fail(error.start.min(text.len()), first_line(&error.message.to_string()), None)
        })?;
        let specifiers = match requirement.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers.to_string(),
            Some(VersionOrUrl::Url(_)) | None => String::new(),
        };
        return Ok(PackageSpec {
            text: text.to_string(),
            name: requirement.name.to_string(),
            source: PackageSource::Index(specifiers),
        });
    };
    // The left side is a name, maybe with extras. Extras are accepted and have no
    // meaning: which extras a charm uses is the charm's own business.
    let name_text = left.split('[').next().unwrap_or(left).trim();
    if name_text.is_empty() {
        return Err(fail(0, "the name of the distribution is missing".into(), None));
    }
    let name = PackageName::from_str(name_text)
        .map_err(|_| fail(0, format!("'{name_text}' is not the name of a distribution"), None))?
        .to_string();
    let target = right.trim();
    let at = text.len() - right.trim_start().len();
    if target.is_empty() {
        return Err(fail(text.len(), "expected a path, a URL or owner:branch behind '@'".into(), None));
    }
    let source =
        parse_source(&name, target).map_err(|(offset, message, hint)| fail(at + offset, message, hint))?;
    Ok(PackageSpec { text: text.to_string(), name, source })
}

fn parse_source(name: &str, target: &str) -> Result<PackageSource, (usize, String, Option<&'static str>)> {
    if let Some(url) = target.strip_prefix("git+") {
        return parse_git(url).map_err(|message| (4, message, None));
    }
    if let Some(path) = target.strip_prefix("file://") {
        return Ok(local(path));
    }
    if target.starts_with("https://") || target.starts_with("http://") || target.starts_with("ssh://") {
        let path = target.split(['#', '?']).next().unwrap_or(target);
        if [".whl", ".zip", ".tar.gz"].iter().any(|ending| path.ends_with(ending)) {
            return Err((
                0,
                "an archive behind a URL is not supported".into(),
                Some("download it first and give the path of the wheel"),
            ));
        }
        return parse_git(target).map_err(|message| (0, message, None));
    }
    let is_path = target.starts_with(['.', '/', '~']) || target.ends_with(".whl");
    if is_path {
        return Ok(local(target));
    }
    if let Some((owner, branch)) = target.split_once(':') {
        let valid = |word: &str| {
            !word.is_empty()
                && !word.starts_with('-')
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        };
        if !valid(owner) || owner.contains('/') {
            return Err((0, format!("'{owner}' is not the name of an account"), None));
        }
        if !valid(branch) {
            return Err((owner.len() + 1, format!("'{branch}' is not the name of a branch"), None));
        }
        let Some((repository, subdirectory)) = usual_repository(name) else {
            return Err((
                0,
                format!("the usual repository of '{name}' is not known"),
                Some("give the whole URL: 'NAME @ git+https://HOST/OWNER/REPOSITORY@BRANCH'"),
            ));
        };
        return Ok(PackageSource::Git {
            url: format!("https://github.com/{owner}/{repository}"),
            reference: Some(branch.to_string()),
            subdirectory,
        });
    }
    Err((
        0,
        "this is neither a path, nor a URL, nor owner:branch".into(),
        Some("a local path starts with './', '../', '/' or '~/'"),
    ))
}

fn parse_git(url: &str) -> Result<PackageSource, String> {
    let (rest, fragment) = url.split_once('#').map_or((url, None), |(rest, fragment)| (rest, Some(fragment)));
    let scheme = rest.find("://").map_or(0, |found| found + 3);
    // A path may hold a user name before '@', so only an '@' behind the host counts.
    let host_end = rest[scheme..].find('/').map_or(rest.len(), |found| scheme + found);
    let (address, reference) = match rest[host_end..].rfind('@') {
        Some(found) => (&rest[..host_end + found], Some(rest[host_end + found + 1..].to_string())),
        None => (rest, None),
    };
    if address.starts_with('-') || reference.as_deref().is_some_and(|r| r.starts_with('-') || r.is_empty()) {
        return Err("a repository or ref cannot start with '-' or be empty".into());
    }
    crate::corpus::location::GitUrl::parse(address).map_err(|error| error.to_string())?;
    let mut subdirectory = None;
    for pair in fragment.unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("subdirectory", folder)) if !folder.split('/').any(|part| part == "..") => {
                subdirectory = Some(folder.trim_matches('/').to_string());
            }
            Some(("egg", _)) => {}
            _ => return Err(format!("'#{pair}' is not understood; only '#subdirectory=FOLDER' is")),
        }
    }
    Ok(PackageSource::Git { url: address.to_string(), reference, subdirectory })
}

fn local(path: &str) -> PackageSource {
    let expanded = expand_home(path);
    if expanded.extension() == Some("whl") {
        PackageSource::Wheel(expanded)
    } else {
        PackageSource::Path(expanded)
    }
}

/// Leaves `~` as it is: only the command line knows whose home it means.
fn expand_home(path: &str) -> Utf8PathBuf {
    Utf8PathBuf::from(path)
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or("it is not a requirement");
    let mut out = line.to_string();
    if let Some(first) = out.get(..1) {
        out = first.to_lowercase() + &out[1..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(text: &str) -> PackageSource {
        match SwapSpec::parse(text).unwrap() {
            SwapSpec::Package(spec) => spec.source,
            SwapSpec::Library(_) => panic!("a package was expected"),
        }
    }

    fn git(url: &str, reference: Option<&str>, subdirectory: Option<&str>) -> PackageSource {
        PackageSource::Git {
            url: url.into(),
            reference: reference.map(Into::into),
            subdirectory: subdirectory.map(Into::into),
        }
    }

    #[test]
    fn reads_every_documented_form() {
        assert_eq!(source("ops==3.8.0"), PackageSource::Index("==3.8.0".into()));
        assert_eq!(source("ops >=3, <4"), PackageSource::Index(">=3, <4".into()));
        assert_eq!(source("ops[testing]==3.8"), PackageSource::Index("==3.8".into()));
        assert_eq!(source("ops @ ../operator"), PackageSource::Path("../operator".into()));
        assert_eq!(source("ops@./operator"), PackageSource::Path("./operator".into()));
        assert_eq!(source("ops @ file:///x/y"), PackageSource::Path("/x/y".into()));
        assert_eq!(
            source("ops @ dist/ops-3.9.0-py3-none-any.whl"),
            PackageSource::Wheel("dist/ops-3.9.0-py3-none-any.whl".into())
        );
        assert_eq!(
            source("ops-scenario @ git+https://github.com/canonical/operator@feat/x#subdirectory=testing"),
            git("https://github.com/canonical/operator", Some("feat/x"), Some("testing")),
        );
        assert_eq!(
            source("ops @ git+ssh://git@github.com/canonical/operator"),
            git("ssh://git@github.com/canonical/operator", None, None),
        );
        assert_eq!(
            source("ops @ canonical:main"),
            git("https://github.com/canonical/operator", Some("main"), None)
        );
        assert_eq!(
            source("charmlibs-interfaces-tls @ me:fix"),
            git("https://github.com/me/charmlibs", Some("fix"), Some("interfaces/tls")),
        );
    }

    #[test]
    fn reads_vendored_libraries() {
        let SwapSpec::Library(spec) = SwapSpec::parse("charms.tempo_k8s.v2.tracing -> ./tracing.py").unwrap()
        else {
            panic!("a library was expected");
        };
        assert_eq!(spec.file(), "lib/charms/tempo_k8s/v2/tracing.py");
        assert_eq!(spec.replacement, Replacement::File("./tracing.py".into()));
        let SwapSpec::Library(spec) =
            SwapSpec::parse("charms.operator_libs_linux.v0.apt -> charmlibs-apt==1.0").unwrap()
        else {
            panic!("a library was expected");
        };
        assert!(matches!(spec.replacement, Replacement::Package(package) if package.name == "charmlibs-apt"));
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(SwapSpec::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn errors_point_at_the_place() {
        check_error(
            "ops @ main",
            "cannot read the swap: this is neither a path, nor a URL, nor owner:branch\n    ops @ main\n          ^\n  a local path starts with './', '../', '/' or '~/'",
        );
        check_error(
            "pkg @ owner:branch",
            "cannot read the swap: the usual repository of 'pkg' is not known\n    pkg @ owner:branch\n          ^\n  give the whole URL: 'NAME @ git+https://HOST/OWNER/REPOSITORY@BRANCH'",
        );
        check_error(
            "charms.x.0.y -> z.py",
            "cannot read the swap: expected an API version such as 'v0' here\n    charms.x.0.y -> z.py\n             ^\n  write for example 'charms.tempo_k8s.v2.tracing -> ./tracing.py'",
        );
        let error = SwapSpec::parse("ops=3.8").unwrap_err();
        assert!(error.to_string().contains('^'), "{error}");
        assert!(SwapSpec::parse("ops @ git+https://h/x@-u").is_err());
        assert!(SwapSpec::parse("ops @ git+https://h/x#subdirectory=../..").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,80}") {
            if let Err(error) = SwapSpec::parse(&text) {
                let _ = error.to_string();
            }
        }

        #[test]
        fn anything_like_a_spec_is_answered(text in "(ops|charms\\.a\\.v0\\.b)? ?(@|->|==)? ?[a-z./:@#é=+-]{0,30}") {
            if let Err(error) = SwapSpec::parse(&text) {
                let _ = error.to_string();
            }
        }
    }
}
