//! What lives are to be like.

use std::sync::Arc;

use crate::stimulus::StimulusKind;
use crate::vocabulary::Name;
use crate::world::{Charm, Profile};

/// A charm that is deployed at the beginning of a life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The name of the application.
    pub application: Name,
    /// The charm.
    pub charm: Arc<Charm>,
    /// How many units it has at first. One unit has peers outside of the model; of several,
    /// each is a peer of the others, and more may come and go.
    pub units: u32,
}

/// An integration that is made with the deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    /// A deployed application.
    pub application: Name,
    /// Its endpoint.
    pub endpoint: Name,
    /// The application at the other end, deployed or not.
    pub remote_app: Name,
    /// Its endpoint, which has to be known if it is deployed.
    pub remote_endpoint: Option<Name>,
}

/// What lives are to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Which Juju, and on what.
    pub profile: Profile,
    /// Whether Juju also does what it does by mistake.
    pub has_quirks: bool,
    /// What is deployed. The first one is the charm that the lives are about.
    pub deployments: Vec<Deployment>,
    /// What is integrated at once.
    pub integrations: Vec<Integration>,
    /// How many stimuli there are in the operation phase, and at most in each other.
    pub stimuli: u32,
    /// Whether hooks may fail.
    pub with_failures: bool,
    /// The kinds that may happen; all of them, if there are none here.
    pub only: Vec<StimulusKind>,
    /// Kinds that never happen. What a unit cannot live without does: it is deployed and
    /// removed, its pod comes back, and what failed is tried again.
    pub without: Vec<StimulusKind>,
}

impl Plan {
    /// Returns the plan for one unit of one charm, with twenty stimuli, and failures.
    pub fn new(profile: Profile, application: impl Into<Name>, charm: Charm) -> Self {
        let deployment = Deployment { application: application.into(), charm: Arc::new(charm), units: 1 };
        Self {
            profile,
            has_quirks: false,
            deployments: vec![deployment],
            integrations: Vec::new(),
            stimuli: 20,
            with_failures: true,
            only: Vec::new(),
            without: Vec::new(),
        }
    }

    /// Returns how many units an application has at first.
    pub(super) fn units_of(&self, application: &str) -> u32 {
        let deployment = self.deployments.iter().find(|deployment| deployment.application == application);
        deployment.map_or(0, |deployment| deployment.units)
    }
}
