//! The charm that a command is about, from a folder, a file, or the command line.

use std::collections::BTreeSet;

use camino::Utf8Path;
use charmproof_charm::DiskTree;
use charmproof_charm::metadata::{CharmMetadata, CharmTexts, Substrate};
use charmproof_charm::spelling::nearest;
use charmproof_lifecycle::vocabulary::{JujuVersion, Platform, is_name};
use charmproof_lifecycle::world::{Charm, Role, StorageKind};

use crate::args::DescribedCharm;
use crate::error::{Exit, Failure};
use crate::output;

/// How large a file that declares a charm may be.
const SPEC_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Reads the version of Juju that somebody asks for.
pub(crate) fn version(text: &str) -> Result<JujuVersion, Failure> {
    JujuVersion::parse(text).ok_or_else(|| {
        Failure::usage(format!("`{text}` is no Juju that charmproof knows"))
            .hint("from 2.9 on, as in `--juju 3.6`")
    })
}

/// A charm, as a command was given it.
pub(crate) struct Given<'a> {
    /// Its folder.
    pub(crate) folder: Option<&'a Utf8Path>,
    /// A file that declares it.
    pub(crate) file: Option<&'a Utf8Path>,
    /// What the command line says of it.
    pub(crate) described: &'a DescribedCharm,
}

impl Given<'_> {
    /// Whether there is no charm at all.
    pub(crate) fn is_nothing(&self) -> bool {
        let DescribedCharm { relation, potential_relation, peer, storage, potential_storage, container } =
            self.described;
        let described = [relation, potential_relation, peer, storage, potential_storage, container];
        self.folder.is_none() && self.file.is_none() && described.iter().all(|names| names.is_empty())
    }

    /// Reads the charm, with its name and where it usually runs.
    pub(crate) fn read(&self) -> Result<(String, Charm, Platform), Failure> {
        read(self)
    }
}

fn read(given: &Given<'_>) -> Result<(String, Charm, Platform), Failure> {
    let args = given.described;
    let (name, mut charm, platform) = match (given.folder, given.file) {
        (Some(folder), _) => from_folder(folder)?,
        (None, Some(file)) => from_file(file)?,
        (None, None) => {
            if given.is_nothing() {
                return Err(Failure::usage("there is no charm").hint(
                    "give the folder of one, such as `.`, or describe one with --relation, --peer, --storage \
                     and --container",
                ));
            }
            ("charm".to_owned(), Charm::default(), Platform::Machine)
        }
    };
    let mut taken: BTreeSet<String> = charm
        .endpoints
        .iter()
        .map(|endpoint| &endpoint.name)
        .chain(charm.storages.iter().map(|storage| &storage.name))
        .chain(&charm.containers)
        .map(ToString::to_string)
        .collect();
    let mut new = |names: &[String], option: &str| -> Result<Vec<String>, Failure> {
        for name in names {
            if !is_name(name) {
                return Err(Failure::usage(format!("`{option} {name}`: this is no name of Juju"))
                    .hint("lower-case letters, digits and dashes are, beginning with a letter"));
            }
            if !taken.insert(name.clone()) {
                return Err(Failure::usage(format!("`{option} {name}`: `{name}` is declared twice")));
            }
        }
        Ok(names.to_vec())
    };
    // A peer relation is there from the beginning, so none can come later.
    if let Some(name) = args.potential_relation.iter().find(|name| args.peer.contains(name)) {
        return Err(Failure::usage(format!("`{name}` cannot be a peer and a potential relation"))
            .hint("peers are related from the deployment on; leave out `--potential-relation`"));
    }
    // Of a charm with files, `--relation` names an endpoint that it has.
    let has_files = given.folder.is_some() || given.file.is_some();
    if has_files {
        for name in &args.relation {
            is_endpoint(&charm, name)?;
        }
    } else {
        for name in new(&args.relation, "--relation")? {
            charm = charm.with_endpoint(Role::Requires, &name);
        }
    }
    for name in new(&args.potential_relation, "--potential-relation")? {
        charm = charm.with_endpoint(Role::Requires, &name);
    }
    for name in new(&args.peer, "--peer")? {
        charm = charm.with_endpoint(Role::Peer, &name);
    }
    for name in new(&args.storage, "--storage")? {
        charm = charm.with_storage(&name);
    }
    for name in new(&args.potential_storage, "--potential-storage")? {
        charm.storages.push(StorageKind { name: name.into(), minimum: 0, maximum: None });
    }
    for name in new(&args.container, "--container")? {
        charm = charm.with_container(&name);
    }
    let platform = if charm.containers.is_empty() { platform } else { Platform::Kubernetes };
    Ok((name, charm, platform))
}

/// Whether the charm has the endpoint, and it is no peer.
pub(crate) fn is_endpoint(charm: &Charm, name: &str) -> Result<(), Failure> {
    match charm.endpoint(name) {
        Some(endpoint) if endpoint.role == Role::Peer => Err(Failure::usage(format!(
            "`{name}` is a peer endpoint, which is related from the deployment on"
        ))),
        Some(_) => Ok(()),
        None => {
            let known: Vec<&str> = charm.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
            let what = format!("the charm has no endpoint `{name}`");
            Err(match nearest(name, known.iter().copied()) {
                Some(meant) => Failure::usage(what).hint(format!("it has `{meant}`")),
                None if known.is_empty() => Failure::usage(what).hint("it declares none"),
                None => Failure::usage(what).hint(format!("it has {}", known.join(", "))),
            })
        }
    }
}

/// Reads the charm of a folder.
pub(crate) fn from_folder(folder: &Utf8Path) -> Result<(String, Charm, Platform), Failure> {
    let tree = DiskTree::open(folder).map_err(|error| {
        Failure::of(&format!("the charm `{folder}` cannot be read"), &error).exit(Exit::Usage)
    })?;
    of_metadata(folder, &CharmMetadata::read(&tree))
}

fn from_file(file: &Utf8Path) -> Result<(String, Charm, Platform), Failure> {
    let cannot_read = |error: &std::io::Error| {
        Failure::of(&format!("the charm `{file}` cannot be read"), error).exit(Exit::Usage)
    };
    let size = fs_err::metadata(file).map_err(|error| cannot_read(&error))?.len();
    if size > SPEC_BYTES_MAX {
        return Err(Failure::usage(format!("`{file}` is too large to declare a charm")));
    }
    let text = fs_err::read_to_string(file).map_err(|error| cannot_read(&error))?;
    let is_charmcraft = file.file_name() == Some("charmcraft.yaml");
    let texts = if is_charmcraft {
        CharmTexts { charmcraft: Some(&text), ..CharmTexts::default() }
    } else {
        CharmTexts { metadata: Some(&text), ..CharmTexts::default() }
    };
    of_metadata(file, &CharmMetadata::parse(texts))
}

/// Takes what a charm declares. What Juju would refuse is an error here as well.
fn of_metadata(place: &Utf8Path, declared: &CharmMetadata) -> Result<(String, Charm, Platform), Failure> {
    let errors: Vec<String> = declared.errors().map(|note| format!("{note:#}")).collect();
    if !errors.is_empty() {
        return Err(Failure::usage(format!(
            "the charm `{place}` cannot be deployed:\n{}",
            errors.join("\n")
        )));
    }
    if !declared.is_complete() {
        output::say(&format!(
            "warning: not all that the charm `{place}` declares is known, so some of it may be missing here"
        ));
    }
    let platform = match declared.substrate() {
        Substrate::Kubernetes => Platform::Kubernetes,
        Substrate::Machine => Platform::Machine,
    };
    let name = declared.name.as_ref().map_or_else(|| "charm".to_owned(), |name| name.as_str().to_owned());
    Ok((name, Charm::from(declared), platform))
}
