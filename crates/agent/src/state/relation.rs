//! A relation: two ends, and what is written at each.

use std::collections::{BTreeMap, BTreeSet};

use charmproof_lifecycle::vocabulary::Name;
use serde::{Deserialize, Serialize};

/// What a unit or an application has written to a relation.
pub type Databag = BTreeMap<String, String>;

/// One end of a relation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationEnd {
    /// The application.
    pub application: Name,
    /// Its endpoint.
    pub endpoint: Name,
}

impl RelationEnd {
    /// Returns the end of an application.
    pub fn new(application: impl Into<Name>, endpoint: impl Into<Name>) -> Self {
        Self { application: application.into(), endpoint: endpoint.into() }
    }
}

/// The ends of a relation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelationEnds {
    /// The units of one application.
    Peer(RelationEnd),
    /// Two applications, or two endpoints of one.
    Between(RelationEnd, RelationEnd),
}

/// A relation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Its number.
    pub id: u32,
    /// Its ends.
    pub ends: RelationEnds,
    /// Whether it was asked to go.
    pub is_dying: bool,
    /// Whether it is suspended.
    pub is_suspended: bool,
    /// The UUID of the model that the other end is in, if it is another one.
    pub remote_model_uuid: Option<String>,
    /// What applications wrote.
    pub application_data: BTreeMap<Name, Databag>,
    /// What units wrote. It stays when a unit leaves, because the others may still read it.
    pub unit_data: BTreeMap<Name, Databag>,
    /// The units that have entered and not left.
    pub in_scope: BTreeSet<Name>,
}

impl Relation {
    /// Returns a relation that nobody has entered.
    pub fn new(id: u32, ends: RelationEnds) -> Self {
        Self {
            id,
            ends,
            is_dying: false,
            is_suspended: false,
            remote_model_uuid: None,
            application_data: BTreeMap::new(),
            unit_data: BTreeMap::new(),
            in_scope: BTreeSet::new(),
        }
    }

    /// Whether it is between the units of one application.
    pub fn is_peer(&self) -> bool {
        match self.ends {
            RelationEnds::Peer(_) => true,
            RelationEnds::Between(..) => false,
        }
    }

    /// Returns the end of an application; of two ends of one application, the first.
    pub fn end_of(&self, application: &str) -> Option<&RelationEnd> {
        match &self.ends {
            RelationEnds::Peer(end) => Some(end).filter(|end| end.application == application),
            RelationEnds::Between(one, other) => {
                [one, other].into_iter().find(|end| end.application == application)
            }
        }
    }

    /// Returns the application that the units of one see at the other end. Of a peer
    /// relation it is the application itself.
    pub fn remote_application(&self, application: &str) -> Option<&Name> {
        match &self.ends {
            RelationEnds::Peer(end) => Some(&end.application).filter(|name| *name == application),
            RelationEnds::Between(one, other) if one.application == application => Some(&other.application),
            RelationEnds::Between(one, other) => {
                Some(&one.application).filter(|_| other.application == application)
            }
        }
    }
}
