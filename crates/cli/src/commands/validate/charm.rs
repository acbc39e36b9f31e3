//! The charm that hooks are checked against.

use std::sync::Arc;

use camino::Utf8Path;
use charmproof_charm::DiskTree;
use charmproof_charm::metadata::{CharmMetadata, Role, Scope, Substrate};
use charmproof_lifecycle::rules::{DeclaredCharm, DeclaredEndpoint};
use charmproof_lifecycle::vocabulary::Platform;

use crate::error::{Exit, Failure};

/// Reads what the charm in a folder declares, and where it runs if that is certain.
pub(super) fn read(folder: &Utf8Path) -> Result<(Arc<DeclaredCharm>, Option<Platform>), Failure> {
    let tree = DiskTree::open(folder).map_err(|error| {
        Failure::of(&format!("the charm `{folder}` cannot be read"), &error).exit(Exit::Usage)
    })?;
    let declared = CharmMetadata::read(&tree);
    let errors: Vec<String> = declared.errors().map(|note| format!("{note:#}")).collect();
    if !errors.is_empty() {
        return Err(Failure::usage(format!("the charm `{folder}` cannot be used:\n{}", errors.join("\n"))));
    }
    let endpoints = declared.endpoints.iter().map(|endpoint| {
        let known = DeclaredEndpoint {
            is_peer: endpoint.role == Role::Peer,
            is_container_scoped: endpoint.scope == Scope::Container,
        };
        (endpoint.name.as_str().into(), known)
    });
    let charm = DeclaredCharm {
        endpoints: endpoints.collect(),
        storages: declared
            .storages
            .iter()
            .map(|storage| (storage.name.as_str().into(), storage.count_min))
            .collect(),
        containers: declared.containers.iter().map(|container| container.name.as_str().into()).collect(),
        actions: declared.actions.iter().map(|action| action.name.as_str().into()).collect(),
        // What a layer or an unknown extension adds is not known here.
        may_be_other_revision: !declared.is_complete(),
    };
    // That it runs on machines is a guess, unless it has containers.
    let platform = match declared.substrate() {
        Substrate::Kubernetes => Some(Platform::Kubernetes),
        Substrate::Machine => None,
    };
    Ok((Arc::new(charm), platform))
}
