//! What a charm says about itself: charmcraft.yaml, metadata.yaml, config.yaml
//! and actions.yaml.
//!
//! Any of the files may be absent, partial or broken; [`CharmMetadata`] holds
//! what could be read, and its notes say what could not. A note that is an
//! error is about something that Juju or charmcraft refuses.
//!
//! There is one module for each section of the files, with what Juju takes
//! there. `reader` has the ways of reading that they share, `scalar` what a
//! scalar may be, and `checks` what only shows when all files are read.

mod actions;
mod assumes;
mod base;
mod checks;
mod config;
mod containers;
mod extensions;
mod libraries;
mod reader;
mod relations;
mod resources;
mod scalar;
mod storage;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

pub use actions::{Action, JsonType, Parameter};
pub use assumes::{Assumption, Comparison, Feature};
pub use base::{Base, InvalidBase};
pub use config::{ConfigOption, OptionType, OptionValue};
pub use containers::{Container, Mount};
pub use extensions::{Extension, Framework};
pub use libraries::{CharmLib, InvalidLibVersion, LibVersion};
pub use relations::{Endpoint, Role, Scope};
pub use resources::{Resource, ResourceKind};
pub use storage::{Storage, StorageKind};

use crate::interpreter::PREFERRED_MOST;
use crate::names::CharmName;
use crate::yaml::{self, Entry, Kind, Node};
use crate::{Note, Place, Tree};
use reader::{Reader, quoted};

/// A file that declares a charm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CharmFile {
    /// charmcraft.yaml, which may have all that the others have.
    Charmcraft,
    /// metadata.yaml
    Metadata,
    /// config.yaml
    Config,
    /// actions.yaml
    Actions,
}

impl CharmFile {
    /// All files, in the order in which they are read.
    pub const ALL: [Self; 4] = [Self::Charmcraft, Self::Metadata, Self::Config, Self::Actions];

    /// The name of the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Charmcraft => "charmcraft.yaml",
            Self::Metadata => "metadata.yaml",
            Self::Config => "config.yaml",
            Self::Actions => "actions.yaml",
        }
    }
}

/// Where something is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// In a file of the charm.
    Declared {
        /// The file.
        file: CharmFile,
        /// The place in it.
        place: Place,
    },
    /// By the extension of a framework.
    Extension(Framework),
}

impl Origin {
    /// The place in the file, if there is one.
    pub fn place(self) -> Option<Place> {
        match self {
            Self::Declared { place, .. } => Some(place),
            Self::Extension(_) => None,
        }
    }
}

/// The texts of the files that declare a charm; nothing for those that are
/// absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CharmTexts<'a> {
    /// charmcraft.yaml
    pub charmcraft: Option<&'a str>,
    /// metadata.yaml
    pub metadata: Option<&'a str>,
    /// config.yaml
    pub config: Option<&'a str>,
    /// actions.yaml
    pub actions: Option<&'a str>,
}

impl<'a> CharmTexts<'a> {
    /// The text of a file.
    pub fn get(&self, file: CharmFile) -> Option<&'a str> {
        match file {
            CharmFile::Charmcraft => self.charmcraft,
            CharmFile::Metadata => self.metadata,
            CharmFile::Config => self.config,
            CharmFile::Actions => self.actions,
        }
    }
}

/// What lies around the files of a charm.
#[derive(Debug, Clone, Default)]
struct Surroundings {
    /// The directory with the files other than charmcraft.yaml: empty, or `src`.
    directory: Utf8PathBuf,
    /// Whether the charm is put together of layers when it is built, and
    /// declares what they declare.
    has_layers: bool,
    /// Files that are there and cannot be read.
    unreadable: Vec<CharmFile>,
}

impl Surroundings {
    fn path(&self, file: CharmFile) -> Utf8PathBuf {
        match file {
            CharmFile::Charmcraft => Utf8PathBuf::from(file.name()),
            CharmFile::Metadata | CharmFile::Config | CharmFile::Actions => self.directory.join(file.name()),
        }
    }
}

/// What a charmcraft project builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectType {
    /// A charm.
    Charm,
    /// A bundle of charms.
    Bundle,
    /// Something that charmcraft does not know.
    Other(String),
}

/// Where a charm runs, as far as its files tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substrate {
    /// In a pod, with its workload in containers beside it.
    Kubernetes,
    /// On a machine. A guess, when nothing says otherwise.
    Machine,
}

/// What a charm says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CharmMetadata {
    /// The name of the charm.
    pub name: Option<CharmName>,
    /// What the project builds, if it says so.
    pub project_type: Option<ProjectType>,
    /// One line about the charm.
    pub summary: Option<String>,
    /// What it is, in as many lines as it takes.
    pub description: Option<String>,
    /// The bases it runs on, in the order of the file.
    pub bases: Vec<Base>,
    /// The charm libraries it declares.
    pub charm_libs: Vec<CharmLib>,
    /// The parts of the build, with the plugin of each.
    pub parts: BTreeMap<String, Option<String>>,
    /// Where the code starts, when that is not `src/charm.py`.
    pub entrypoint: Option<String>,
    /// What it assumes of Juju, flattened: `juju >= 3.1`, `k8s-api`.
    pub assumes: Vec<String>,
    /// What it assumes of Juju; all of it has to hold.
    pub assumptions: Vec<Assumption>,
    /// Its endpoints, those that it provides first. No two have one name.
    pub endpoints: Vec<Endpoint>,
    /// Its storage.
    pub storages: Vec<Storage>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// Its resources.
    pub resources: Vec<Resource>,
    /// Its configuration options.
    pub config_options: Vec<ConfigOption>,
    /// Its actions.
    pub actions: Vec<Action>,
    /// The extensions of charmcraft that it uses. What those add that are known
    /// is in the other fields.
    pub extensions: Vec<Extension>,
    /// Names that addresses can be bound to and that are no endpoints.
    pub extra_bindings: Vec<(String, Origin)>,
    /// The names of its devices.
    pub devices: Vec<String>,
    /// The classes of its payloads, with the type of each.
    pub payload_classes: Vec<(String, String)>,
    /// The user that the charm runs as: `root`, `sudoer` or `non-root`.
    pub charm_user: Option<String>,
    /// The oldest Juju that will do, as charms before Juju 2.9 said it.
    pub min_juju_version: Option<String>,
    /// Whether it is a subordinate.
    pub subordinate: bool,
    /// Where it says so.
    subordinate_origin: Option<Origin>,
    /// Whether it says that it runs on Kubernetes in some other way than by
    /// containers: `series: [kubernetes]`, or a `k8s-api` assumption.
    kubernetes: bool,
    /// Whether more is declared somewhere that is not known here.
    is_partial: bool,
    /// What could not be read, and what is odd.
    pub notes: Vec<Note>,
}

impl CharmMetadata {
    /// Reads the files of the charm at the root of a tree.
    pub fn read(tree: &dyn Tree) -> Self {
        let has = |path: &str| tree.has(Utf8Path::new(path));
        // Reactive charms keep all but charmcraft.yaml in `src`.
        let is_below = !has("metadata.yaml")
            && has("src/metadata.yaml")
            && (has("src/layer.yaml") || !has("charmcraft.yaml"));
        let directory = Utf8PathBuf::from(if is_below { "src" } else { "" });
        let has_layers = has("layer.yaml") || has("src/layer.yaml");
        let mut surroundings = Surroundings { directory, has_layers, unreadable: Vec::new() };
        let [charmcraft, metadata, config, actions] = CharmFile::ALL.map(|file| {
            let path = surroundings.path(file);
            let text = tree.read(&path);
            if text.is_none() && tree.has(&path) {
                surroundings.unreadable.push(file);
            }
            text
        });
        let texts = CharmTexts {
            charmcraft: charmcraft.as_deref(),
            metadata: metadata.as_deref(),
            config: config.as_deref(),
            actions: actions.as_deref(),
        };
        Self::put_together(texts, &surroundings)
    }

    /// Reads the texts of a charm's files.
    pub fn parse(texts: CharmTexts<'_>) -> Self {
        Self::put_together(texts, &Surroundings::default())
    }

    /// Whether all that the charm declares is known: no file is broken, no
    /// layer and no unknown extension may add to it. Without that, a name
    /// that the charm does not declare may exist nevertheless.
    pub fn is_complete(&self) -> bool {
        !self.is_partial
    }

    /// The endpoint of a name.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// The notes on what Juju or charmcraft refuses.
    pub fn errors(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.is_error())
    }

    /// Where the charm runs.
    pub fn substrate(&self) -> Substrate {
        let named = self.name.as_ref().is_some_and(|name| name.as_str().ends_with("-k8s"));
        if self.kubernetes || !self.containers.is_empty() || (named && !self.subordinate) {
            Substrate::Kubernetes
        } else {
            Substrate::Machine
        }
    }

    /// The base whose Python the suites are best run with: of several, the
    /// newest with a Python up to 3.12, which most dependencies have wheels
    /// for; else the oldest above; else the first, whose Python is not known.
    pub fn base_for_tests(&self) -> Option<&Base> {
        let known = || self.bases.iter().filter_map(|base| Some((base.python()?, base)));
        let up_to_most =
            known().filter(|(python, _)| *python <= PREFERRED_MOST).max_by_key(|(python, _)| *python);
        let chosen = up_to_most.or_else(|| known().min_by_key(|(python, _)| *python));
        chosen.map(|(_, base)| base).or_else(|| self.bases.first())
    }

    /// Whether a part is built with a plugin, named or by the part's name.
    pub fn uses_plugin(&self, plugin: &str) -> bool {
        self.parts.iter().any(|(part, named)| named.as_deref().unwrap_or(part) == plugin)
    }

    fn put_together(texts: CharmTexts<'_>, surroundings: &Surroundings) -> Self {
        let mut result = Self { is_partial: surroundings.has_layers, ..Self::default() };
        let mut reader = Reader::new();
        for file in &surroundings.unreadable {
            result.is_partial = true;
            let text = "the file is no text in UTF-8, or too large to be read";
            reader.add(Note::in_file(surroundings.path(*file), text).as_error());
        }
        let [charmcraft, metadata, config, actions] = CharmFile::ALL.map(|file| {
            let text = texts.get(file)?;
            reader.open(file, surroundings.path(file), text);
            result.root(&mut reader, text)
        });
        let roots = Roots { charmcraft, metadata, config, actions };
        result.add_build(&mut reader, &roots);
        let is_nothing = CharmFile::ALL[..2]
            .iter()
            .all(|file| texts.get(*file).is_none() && !surroundings.unreadable.contains(file));
        if is_nothing {
            reader.add(Note {
                hint: Some("Name the folder that has the charm's charmcraft.yaml.".to_owned()),
                ..Note::general("there is no charmcraft.yaml and no metadata.yaml, so there is no charm")
                    .as_error()
            });
        }
        if matches!(result.project_type, None | Some(ProjectType::Charm)) {
            result.add_declarations(&mut reader, &roots);
            if !is_nothing && !result.is_partial {
                checks::check_required(&mut reader, roots.charmcraft.as_ref(), roots.metadata.as_ref());
            }
            checks::check_names(&mut reader, &result);
        }
        result.notes = reader.finish();
        result
    }

    /// Reads a file that should be a mapping.
    fn root(&mut self, reader: &mut Reader<'_>, text: &str) -> Option<Node> {
        let path = reader.path(reader.file);
        match yaml::parse(&path, text) {
            Ok((root, notes)) => {
                for note in notes {
                    // Juju and older charmcrafts let pass what `safe_yaml_load`
                    // of newer ones does not.
                    let hint = Some("Newer versions of charmcraft refuse such a file.".to_owned());
                    reader.add(Note { hint, ..note });
                }
                match root.kind() {
                    Kind::Mapping => return Some(root),
                    // Options and actions need not be there.
                    Kind::Null if matches!(reader.file, CharmFile::Config | CharmFile::Actions) => {}
                    Kind::Null
                    | Kind::Bool(_)
                    | Kind::Int
                    | Kind::Float
                    | Kind::Timestamp
                    | Kind::Text
                    | Kind::Sequence => {
                        self.is_partial = true;
                        let text = format!("the file is {}, not a mapping", scalar::in_words(&root));
                        reader.error(root.place, text, "Write keys and values: `name: my-charm`.");
                    }
                }
                None
            }
            Err(broken) => {
                self.is_partial = true;
                reader.add(broken.into());
                self.salvage(reader.file, text);
                None
            }
        }
    }

    /// Takes the name and the type from a file that is not YAML, so that a
    /// charm with one wrong line is still known by its name.
    fn salvage(&mut self, file: CharmFile, text: &str) {
        if matches!(file, CharmFile::Config | CharmFile::Actions) {
            return;
        }
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']);
            match key {
                "name" if self.name.is_none() => self.name = value.parse().ok(),
                "type" if self.project_type.is_none() && file == CharmFile::Charmcraft => {
                    self.project_type = Some(project_type(value));
                }
                _ => {}
            }
        }
    }

    /// Adds what is about building the charm, and what it is called.
    fn add_build(&mut self, reader: &mut Reader<'_>, roots: &Roots) {
        if let Some(root) = &roots.charmcraft {
            reader.file = CharmFile::Charmcraft;
            if let Some(text) = text_of(reader, root, "type") {
                self.project_type = Some(project_type(&text));
            }
            self.add_bases(reader, root);
            for library in root.get("charm-libs").map_or(&[][..], Node::items) {
                self.add_charm_lib(reader, library);
            }
            for entry in root.get("parts").map_or(&[][..], Node::entries) {
                let part = &entry.value;
                let plugin = part.get("plugin").and_then(Node::text).map(str::to_owned);
                if let Some(entrypoint) = part.get("charm-entrypoint").and_then(Node::text) {
                    self.entrypoint = Some(entrypoint.to_owned());
                }
                self.parts.insert(entry.key.clone(), plugin);
            }
            // The plugin puts layers together.
            self.is_partial |= self.uses_plugin("reactive");
        }
        for (file, root) in roots.descriptive() {
            reader.file = file;
            self.add_description(reader, root);
        }
    }

    fn add_description(&mut self, reader: &mut Reader<'_>, root: &Node) {
        if self.name.is_none()
            && let Some(node) = root.get("name")
            && let Some(text) = text_of(reader, root, "name")
        {
            match text.parse() {
                Ok(name) => self.name = Some(name),
                Err(invalid) => {
                    let hint = "A name has lower-case letters, digits, and hyphens between them.";
                    reader.error(node.place, invalid.to_string(), hint);
                }
            }
        }
        if self.summary.is_none() {
            self.summary = text_of(reader, root, "summary").map(|text| text.trim().to_owned());
        }
        if self.description.is_none() {
            self.description = text_of(reader, root, "description").map(|text| text.trim_end().to_owned());
        }
        let series = root.get("series").map(Node::texts).unwrap_or_default();
        self.kubernetes |= series.contains(&"kubernetes");
        if self.bases.is_empty() {
            self.bases = unique(series.into_iter().filter_map(Base::from_series));
        }
    }

    /// Adds what the charm declares. Where both charmcraft.yaml and
    /// metadata.yaml have a section, that of metadata.yaml gets into the charm.
    fn add_declarations(&mut self, reader: &mut Reader<'_>, roots: &Roots) {
        checks::check_files(reader, roots);
        for (file, root) in roots.descriptive() {
            reader.file = file;
            checks::check_keys(reader, root);
        }
        if let Some(root) = &roots.metadata {
            reader.file = CharmFile::Metadata;
            checks::check_format(reader, root);
            self.min_juju_version = root.get("min-juju-version").and_then(Node::text).map(str::to_owned);
        }
        for role in Role::ALL {
            if let Some(root) = roots.with(reader, role.section()) {
                self.endpoints.extend(relations::read(reader, root, role));
            }
        }
        checks::drop_repeated(reader, &mut self.endpoints);
        if let Some(root) = roots.with(reader, "storage") {
            self.storages = storage::read(reader, root);
        }
        if let Some(root) = roots.with(reader, "containers") {
            self.containers = containers::read(reader, root);
        }
        if let Some(root) = roots.with(reader, "resources") {
            self.resources = resources::read(reader, root);
        }
        if let Some(root) = roots.with(reader, "assumes") {
            self.assumptions = assumes::read(reader, root);
            if let Some(node) = root.get("assumes") {
                assumes::flatten(node, &mut self.assumes);
            }
        }
        self.add_smaller_sections(reader, roots);
        self.add_options(reader, roots);
        self.add_actions(reader, roots);
        if let Some(root) = &roots.charmcraft {
            reader.file = CharmFile::Charmcraft;
            self.add_extensions(reader, root);
        }
        self.kubernetes |= self.assumes.iter().any(|assumed| assumed.starts_with("k8s-api"));
    }

    fn add_smaller_sections(&mut self, reader: &mut Reader<'_>, roots: &Roots) {
        if let Some(root) = roots.with(reader, "subordinate")
            && let Some(entry) = root.entry("subordinate")
            && !reader.is_left_away(entry)
        {
            self.subordinate = match entry.value.text() {
                // charmcraft makes a boolean of these.
                Some("1") if reader.file == CharmFile::Charmcraft => true,
                Some("0") if reader.file == CharmFile::Charmcraft => false,
                _ => reader.boolean(root, "subordinate", "the charm"),
            };
            self.subordinate_origin = Some(reader.origin(entry.place));
        }
        if let Some(root) = roots.with(reader, "extra-bindings") {
            let entries = reader.section(root, "extra-bindings");
            if let Some(section) = root.entry("extra-bindings")
                && section.value.kind() == Kind::Mapping
                && entries.is_empty()
            {
                let text = "`extra-bindings` has no name in it, and Juju wants one at least";
                reader.error(section.place, text, "Remove `extra-bindings`.");
            }
            for entry in entries {
                if !scalar::is_null(&entry.value) {
                    let text =
                        format!("the extra binding {} has a value, and can have none", quoted(&entry.key));
                    reader.error(entry.value.place, text, "Write the name and a colon only.");
                }
                self.extra_bindings.push((entry.key.clone(), reader.origin(entry.place)));
            }
        }
        if let Some(root) = roots.with(reader, "devices") {
            self.devices = reader.section(root, "devices").iter().map(|entry| entry.key.clone()).collect();
        }
        if let Some(root) = roots.with(reader, "payloads") {
            for entry in reader.section(root, "payloads") {
                let kind = reader.text(&entry.value, "type", &format!("the payload `{}`", entry.key));
                self.payload_classes.push((entry.key.clone(), kind.unwrap_or_default()));
            }
        }
        if let Some(root) = roots.with(reader, "charm-user")
            && let Some(Entry { value: node, .. }) =
                root.entry("charm-user").filter(|entry| !reader.is_left_away(entry))
        {
            self.charm_user = reader.text(root, "charm-user", "the charm");
            if let Some(user) = &self.charm_user
                && !matches!(user.as_str(), "root" | "sudoer" | "non-root")
            {
                let text = format!("`charm-user` is {}, which Juju does not know", quoted(user));
                reader.error(node.place, text, "Write `root`, `sudoer` or `non-root`.");
            }
        }
    }

    fn add_options(&mut self, reader: &mut Reader<'_>, roots: &Roots) {
        let config = roots.charmcraft.as_ref().and_then(|root| root.entry("config"));
        reader.file = CharmFile::Charmcraft;
        if let Some(config) = config.filter(|entry| !scalar::is_null(&entry.value))
            && let Some(config) = reader.mapping(config, "`config`")
        {
            self.config_options = config::read(reader, config);
        }
        if let Some(root) = &roots.config {
            reader.file = CharmFile::Config;
            extend_named(&mut self.config_options, config::read(reader, root), |option| &option.name);
        }
    }

    fn add_actions(&mut self, reader: &mut Reader<'_>, roots: &Roots) {
        if let Some(root) = &roots.charmcraft {
            reader.file = CharmFile::Charmcraft;
            let section = reader.section(root, "actions");
            self.actions = actions::read(reader, section);
        }
        if let Some(root) = &roots.actions {
            reader.file = CharmFile::Actions;
            let actions = actions::read(reader, root.entries());
            extend_named(&mut self.actions, actions, |action| &action.name);
        }
    }

    /// Adds what the extensions of charmcraft add.
    fn add_extensions(&mut self, reader: &mut Reader<'_>, root: &Node) {
        if root.get("extensions").is_none_or(scalar::is_null) {
            return;
        }
        for node in reader.list(root, "extensions", "the charm") {
            let Some(name) = scalar::as_text(node) else {
                let found = scalar::in_words(node);
                reader.error(node.place, format!("an extension should be text, not {found}"), "");
                continue;
            };
            let framework = Framework::of_extension(name);
            let origin = reader.origin(node.place);
            self.extensions.push(Extension { name: name.to_owned(), framework, origin });
            if let Some(framework) = framework {
                self.expand(reader, root, framework);
                continue;
            }
            self.is_partial = true;
            let text = format!(
                "the extension {} is not known here, so neither are the containers, endpoints, resources, \
                 options and actions that it adds",
                quoted(name)
            );
            reader.remark(
                node.place,
                text,
                "`charmcraft expand-extensions` prints all that the charm declares.",
            );
        }
    }

    fn expand(&mut self, reader: &mut Reader<'_>, root: &Node, framework: Framework) {
        let added = extensions::additions(framework, &self.bases, &self.endpoints);
        // Options that come with an endpoint of the charm's may be its own.
        let fixed = extensions::additions(framework, &self.bases, &[]);
        checks::check_extension(reader, root, framework, &fixed);
        for endpoint in added.endpoints {
            self.endpoints.retain(|own| own.name != endpoint.name);
            self.endpoints.push(endpoint);
        }
        self.endpoints.sort_by_key(|endpoint| endpoint.role);
        extend_named(&mut self.containers, vec![added.container], |container| &container.name);
        extend_named(&mut self.resources, vec![added.resource], |resource| &resource.name);
        extend_named(&mut self.config_options, added.options, |option| &option.name);
        extend_named(&mut self.actions, added.actions, |action| &action.name);
        if self.assumes.is_empty() {
            self.assumes.push(added.assumption.name.clone());
            self.assumptions.push(Assumption::Feature(added.assumption));
        }
    }

    fn add_bases(&mut self, reader: &mut Reader<'_>, root: &Node) {
        let mut bases = Vec::new();
        let mut wrong = Vec::new();
        let mut take = |node: &Node, text: &str| match text.parse::<Base>() {
            Ok(base) => bases.push(base),
            Err(invalid) => wrong.push((node.place, invalid.to_string())),
        };
        if let Some(node) = root.get("base")
            && let Some(text) = node.text()
        {
            take(node, text);
        }
        for Entry { key: name, value: platform, .. } in root.get("platforms").map_or(&[][..], Node::entries) {
            if name.contains('@') {
                take(platform, name);
                continue;
            }
            let keys = ["build-for", "build-on"];
            let built = keys.iter().find_map(|key| {
                let node = platform.get(key)?;
                node.texts().iter().any(|text| text.contains('@')).then_some(node)
            });
            if let Some(node) = built {
                for text in node.texts().into_iter().filter(|text| text.contains('@')) {
                    take(node, text);
                }
            }
        }
        for entry in root.get("bases").map_or(&[][..], Node::items) {
            let run_on = entry.get("run-on").or_else(|| entry.get("build-on"));
            let run_on = run_on.map_or(std::slice::from_ref(entry), Node::items);
            for base in run_on {
                let (name, channel) = (base.get("name"), base.get("channel"));
                if let (Some(name), Some(channel)) = (name.and_then(Node::text), channel.and_then(Node::text))
                {
                    take(base, &format!("{name}@{channel}"));
                }
                if let Some(channel) = channel {
                    note_lost_zero(reader, channel);
                }
            }
        }
        self.bases = unique(bases);
        for (place, text) in wrong {
            reader.remark(place, text, "");
        }
    }

    fn add_charm_lib(&mut self, reader: &mut Reader<'_>, node: &Node) {
        let (Some(library), Some(version)) = (
            node.get("lib").and_then(Node::text),
            node.get("version").filter(|version| version.text().is_some()),
        ) else {
            reader.remark(node.place, "an entry of `charm-libs` needs `lib` and `version`", "");
            return;
        };
        note_lost_zero(reader, version);
        let Some((charm, lib)) = library.split_once('.') else {
            reader.remark(node.place, format!("{} is not of the form charm.library", quoted(library)), "");
            return;
        };
        match version.text().unwrap_or_default().parse() {
            Ok(parsed) => self.charm_libs.push(CharmLib {
                charm: charm.replace('-', "_"),
                lib: lib.replace('-', "_"),
                version: parsed,
                line: node.place.line,
            }),
            Err(invalid) => reader.remark(version.place, invalid.to_string(), ""),
        }
    }
}

/// The files that could be read.
struct Roots {
    charmcraft: Option<Node>,
    metadata: Option<Node>,
    config: Option<Node>,
    actions: Option<Node>,
}

impl Roots {
    /// The files that describe the charm as a whole.
    fn descriptive(&self) -> impl Iterator<Item = (CharmFile, &Node)> {
        let files = [(CharmFile::Charmcraft, &self.charmcraft), (CharmFile::Metadata, &self.metadata)];
        files.into_iter().filter_map(|(file, root)| Some((file, root.as_ref()?)))
    }

    /// The file whose section of this name gets into the charm. Turns the
    /// reader to it.
    fn with(&self, reader: &mut Reader<'_>, section: &str) -> Option<&Node> {
        let has_section = |(_, root): &(CharmFile, &Node)| root.get(section).is_some();
        let (file, root) = self.descriptive().filter(has_section).last()?;
        reader.file = file;
        Some(root)
    }
}

/// Adds items whose names are not there yet.
fn extend_named<T>(items: &mut Vec<T>, more: Vec<T>, name: impl Fn(&T) -> &str) {
    for item in more {
        if !items.iter().any(|own| name(own) == name(&item)) {
            items.push(item);
        }
    }
}

/// Says that other tools read an unquoted `0.10` as 0.1.
fn note_lost_zero(reader: &mut Reader<'_>, node: &Node) {
    let text = node.text().unwrap_or_default();
    if node.kind() == Kind::Float && text.ends_with('0') {
        let remark =
            format!("`{text}` is not quoted: other tools read it as a number and lose its last zero");
        reader.remark(node.place, remark, format!("Write \"{text}\"."));
    }
}

/// The text of a scalar. Numbers pass: charmcraft makes text of them.
fn text_of(reader: &mut Reader<'_>, root: &Node, key: &str) -> Option<String> {
    let node = root.get(key)?;
    if matches!(node.kind(), Kind::Sequence | Kind::Mapping) {
        reader.error(node.place, format!("`{key}` should be text, not {}", scalar::in_words(node)), "");
    }
    node.text().map(str::to_owned)
}

fn project_type(text: &str) -> ProjectType {
    match text {
        "charm" => ProjectType::Charm,
        "bundle" => ProjectType::Bundle,
        other => ProjectType::Other(other.to_owned()),
    }
}

fn unique(bases: impl IntoIterator<Item = Base>) -> Vec<Base> {
    let mut result: Vec<Base> = Vec::new();
    for base in bases {
        if !result.contains(&base) {
            result.push(base);
        }
    }
    result
}

#[cfg(test)]
mod tests;
