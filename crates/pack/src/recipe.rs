//! What charmcraft.yaml asks to be packed. Pure: a tree goes in, a recipe or a refusal comes out.
//!
//! The keys and their meaning are those of charmcraft 4 and of the craft-parts below it. Whatever
//! only says how packages are *compiled* (build packages, build snaps, variables of the build) is
//! passed over, as packages come as wheels here. Whatever decides what is in the charm is either
//! done or refused by name.

mod files;
mod ignore;
mod inputs;
mod platform;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::yaml::{self, Node};
use charmproof_charm::{Broken, Place, Tree};

pub use files::{Organized, Selection};
pub use ignore::Ignored;
pub use platform::{Architecture, Platform};

/// The file that says how a charm is packed.
const CHARMCRAFT: &str = "charmcraft.yaml";
/// A script that does what would be done without it.
const USUAL: &str = "craftctl default";

/// How one charm is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The charm's name.
    pub name: String,
    /// For what it can be packed, in the order of the file.
    pub platforms: Vec<Platform>,
    /// Its parts, in the order of the file.
    pub parts: Vec<Part>,
}

/// A part of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// What is done with its source.
    pub plugin: Plugin,
    /// Where its source is, relative to the charm; empty for the charm itself.
    pub source: Utf8PathBuf,
    /// Where its files go that are not to stay where they are.
    pub organized: Organized,
    /// Which of its files are taken.
    pub selections: Vec<Selection>,
    /// What is run in the place of what the plugin does.
    pub script: Option<Script>,
}

impl Part {
    /// Whether a file of its source is taken, or a folder looked into, before `stage` and `prime`
    /// choose. `ignored` is what the source's `.jujuignore` says.
    pub fn takes(&self, path: &Utf8Path, is_folder: bool, ignored: &Ignored) -> bool {
        match &self.plugin {
            Plugin::Charm { .. } => !ignored.leaves_out(path, is_folder),
            Plugin::Python { .. } => path.starts_with("src") || path.starts_with("lib"),
            // What charmcraft leaves behind in the folder is no source of a charm.
            Plugin::Dump => path != ".git" && path.extension() != Some("charm"),
            Plugin::Nil => false,
        }
    }
}

/// The `override-build` of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its text, for bash.
    pub text: String,
    /// The line of charmcraft.yaml that it begins after.
    pub line: usize,
    /// The part's `build-environment`.
    pub variables: Vec<(String, String)>,
}

/// What is done with the source of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plugin {
    /// The whole folder, packages flat in `venv/`, and the three hooks of old Juju.
    Charm {
        /// The program, relative to the part's source.
        entrypoint: Utf8PathBuf,
    },
    /// `src/`, `lib/`, and packages in a virtual environment without its programs.
    Python {
        /// Which of charmcraft's plugins it is, for people: uv, poetry or python.
        name: &'static str,
        /// Whether the programs of the packages stay.
        keeps_programs: bool,
    },
    /// The files as they are.
    Dump,
    /// Nothing.
    Nil,
}

/// Why a charm cannot be packed here.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The folder has no charmcraft.yaml.
    #[error("there is no charmcraft.yaml here, which says how a charm is packed; is this a charm's folder?")]
    Missing,
    /// It is no YAML.
    #[error("charmcraft.yaml cannot be read")]
    Broken(#[from] Broken),
    /// Something in it has a value that charmcraft refuses as well.
    #[error("charmcraft.yaml:{line}: {what}")]
    Invalid {
        /// The line.
        line: usize,
        /// What is wrong, and what would be right.
        what: String,
    },
    /// Something in it is not done here.
    #[error("charmcraft.yaml:{line}: {what}; pack this charm with `charmcraft pack`")]
    Unsupported {
        /// The line.
        line: usize,
        /// Which part, and which of its keys.
        what: String,
    },
    /// It is a reactive charm.
    #[error("this charm is put together of layers by `charm build`; pack it with `charmcraft pack`")]
    Layers,
    /// There is no such platform.
    #[error("charmcraft.yaml has no platform `{wanted}`; it has {known}")]
    NoPlatform {
        /// What was asked for.
        wanted: String,
        /// All of them.
        known: String,
    },
    /// None of the platforms is built on such a machine.
    #[error(
        "no platform of this charm is built on {architecture}; it has {known} (`--platform` takes one all the same)"
    )]
    NotBuiltHere {
        /// The architecture of this machine.
        architecture: Architecture,
        /// All of them.
        known: String,
    },
}

fn invalid(node: &Node, what: impl Into<String>) -> RecipeError {
    RecipeError::Invalid { line: node.place.line, what: what.into() }
}

fn unsupported(place: Place, what: impl Into<String>) -> RecipeError {
    RecipeError::Unsupported { line: place.line, what: what.into() }
}

impl Recipe {
    /// Reads the charmcraft.yaml at the root of a tree.
    pub fn read(tree: &dyn Tree) -> Result<Self, RecipeError> {
        let file = Utf8Path::new(CHARMCRAFT);
        let text = tree.read(file).ok_or(RecipeError::Missing)?;
        let (root, _) = yaml::parse(file, &text)?;
        if root.get("type").and_then(Node::text) == Some("bundle") {
            return Err(unsupported(root.place, "this is a bundle"));
        }
        if let Some(extensions) = root.entry("extensions").filter(|entry| !entry.value.items().is_empty()) {
            let names = extensions.value.texts().join(", ");
            return Err(unsupported(
                extensions.place,
                format!("the extension {names} brings parts that are not made here"),
            ));
        }
        let name = name(&root, tree)?;
        let platforms = platform::read(&root)?;
        let parts = parts(&root, tree)?;
        Ok(Self { name, platforms, parts })
    }

    /// Refuses what charmcraft refuses or cannot build, and what would be a charm without its packages.
    pub fn check(&self, tree: &dyn Tree) -> Result<(), RecipeError> {
        inputs::check(self, tree)
    }

    /// Returns the platforms to pack: the one that is named, or all that are built on machines
    /// of this architecture.
    pub fn chosen(
        &self,
        wanted: Option<&str>,
        architecture: Architecture,
    ) -> Result<Vec<&Platform>, RecipeError> {
        let known = || {
            let labels: Vec<&str> = self.platforms.iter().map(|platform| platform.label.as_str()).collect();
            labels.join(", ")
        };
        if let Some(wanted) = wanted {
            let found = self.platforms.iter().find(|platform| platform.label == wanted);
            return found
                .map(|platform| vec![platform])
                .ok_or_else(|| RecipeError::NoPlatform { wanted: wanted.to_owned(), known: known() });
        }
        let here: Vec<&Platform> =
            self.platforms.iter().filter(|platform| platform.built_on.contains(&architecture)).collect();
        if here.is_empty() {
            return Err(RecipeError::NotBuiltHere { architecture, known: known() });
        }
        Ok(here)
    }
}

/// The charm's name, which old charms have in metadata.yaml alone.
fn name(root: &Node, tree: &dyn Tree) -> Result<String, RecipeError> {
    if let Some(name) = root.get("name").and_then(Node::text) {
        return Ok(name.to_owned());
    }
    let file = Utf8Path::new("metadata.yaml");
    let metadata = tree.read(file).map(|text| yaml::parse(file, &text)).transpose()?;
    let name = metadata.as_ref().and_then(|(metadata, _)| metadata.get("name")).and_then(Node::text);
    name.map(str::to_owned).ok_or_else(|| invalid(root, "the charm has no `name`"))
}

fn parts(root: &Node, tree: &dyn Tree) -> Result<Vec<Part>, RecipeError> {
    let is_layered = ["layer.yaml", "src/layer.yaml"].iter().any(|file| tree.has(Utf8Path::new(file)));
    let Some(parts) = root.get("parts").filter(|parts| !parts.entries().is_empty()) else {
        if is_layered {
            return Err(RecipeError::Layers);
        }
        // Without parts, charmcraft makes one of its own plugin.
        let plugin = Plugin::Charm { entrypoint: "src/charm.py".into() };
        return Ok(vec![Part {
            name: "charm".into(),
            plugin,
            source: Utf8PathBuf::new(),
            organized: Organized::default(),
            selections: Vec::new(),
            script: None,
        }]);
    };
    parts.entries().iter().map(|entry| part(&entry.key, &entry.value)).collect()
}

fn part(name: &str, node: &Node) -> Result<Part, RecipeError> {
    let text = |key: &str| node.get(key).and_then(Node::text).filter(|text| !text.is_empty());
    let switch = |key: &str| node.get(key).and_then(Node::bool).unwrap_or(false);
    for key in ["override-pull", "override-stage", "override-prime"] {
        if let Some(script) = node.entry(key) {
            // It says what charmcraft does without it as well.
            if script.value.text().map(str::trim) == Some(USUAL) {
                continue;
            }
            return Err(unsupported(
                script.place,
                format!("the part `{name}` has a script of its own, `{key}`"),
            ));
        }
    }
    for key in ["stage-packages", "stage-snaps", "overlay-packages", "overlay-script"] {
        if let Some(entry) = node.entry(key).filter(|entry| !entry.value.texts().is_empty()) {
            return Err(unsupported(entry.place, format!("the part `{name}` has `{key}`")));
        }
    }
    let plugin = match text("plugin").unwrap_or(name) {
        "charm" => {
            let entrypoint = Utf8PathBuf::from(text("charm-entrypoint").unwrap_or("src/charm.py"));
            let leaves =
                entrypoint.is_absolute() || entrypoint.components().any(|part| part.as_str() == "..");
            if leaves {
                let node = node.get("charm-entrypoint").unwrap_or(node);
                return Err(invalid(node, "`charm-entrypoint` has to lie in the charm"));
            }
            Plugin::Charm { entrypoint }
        }
        "uv" => Plugin::Python { name: "uv", keeps_programs: false },
        "poetry" => Plugin::Python { name: "poetry", keeps_programs: switch("poetry-keep-bins") },
        "python" => Plugin::Python { name: "python", keeps_programs: switch("python-keep-bins") },
        "dump" => Plugin::Dump,
        "nil" => Plugin::Nil,
        "reactive" => return Err(RecipeError::Layers),
        other => {
            return Err(unsupported(
                node.entry("plugin").map_or(node.place, |entry| entry.place),
                format!("the part `{name}` is built by the plugin `{other}`"),
            ));
        }
    };
    Ok(Part {
        name: name.to_owned(),
        source: source(name, node)?,
        organized: files::organized(node.get("organize"))?,
        selections: ["stage", "prime"]
            .iter()
            .filter_map(|key| node.get(key))
            .map(|list| Selection::new(&list.texts()))
            .collect(),
        script: script(node, &plugin),
        plugin,
    })
}

fn script(node: &Node, plugin: &Plugin) -> Option<Script> {
    let entry = node.entry("override-build")?;
    let text = entry.value.text().map(str::trim).filter(|text| !text.is_empty() && *text != USUAL)?;
    // It installs tools for other parts, which need none here.
    let leaves_files =
        ["CRAFT_PART_INSTALL", "CRAFT_STAGE", "CRAFT_PRIME"].iter().any(|place| text.contains(place));
    if *plugin == Plugin::Nil && !leaves_files {
        return None;
    }
    // A list of mappings, each with one variable.
    let variables = node.get("build-environment").map(Node::items).unwrap_or_default();
    let variables = variables.iter().flat_map(Node::entries);
    Some(Script {
        text: text.to_owned(),
        line: entry.place.line,
        variables: variables
            .filter_map(|entry| Some((entry.key.clone(), entry.value.text()?.to_owned())))
            .collect(),
    })
}

/// Returns where a file is that a part names relative to a folder, as trees name their files: `./a` is `a`, and
/// `src/../a` as well.
pub(crate) fn placed(folder: &Utf8Path, name: &str) -> Utf8PathBuf {
    let mut path = Utf8PathBuf::new();
    for component in folder.join(name).components() {
        match component.as_str() {
            "." => {}
            ".." if path.file_name().is_some() => {
                path.pop();
            }
            other => path.push(other),
        }
    }
    path
}

/// Where the source of a part is. One from elsewhere would have to be fetched.
fn source(part: &str, node: &Node) -> Result<Utf8PathBuf, RecipeError> {
    let Some((text, node)) = node.get("source").and_then(|node| Some((node.text()?, node))) else {
        return Ok(Utf8PathBuf::new());
    };
    let source = Utf8Path::new(text);
    let is_elsewhere = text.contains(':') || source.is_absolute();
    let subdirectory_leaves = source.components().any(|component| component.as_str() == "..");
    if is_elsewhere || subdirectory_leaves {
        return Err(unsupported(
            node.place,
            format!("the source of the part `{part}` is outside of the charm"),
        ));
    }
    Ok(placed(Utf8Path::new(""), text))
}

#[cfg(test)]
mod tests;
