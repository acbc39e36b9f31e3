//! What a charm declares, as far as the order of hooks depends on it.

/// Which side of a relation an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It offers something to other applications.
    Provides,
    /// It needs something of other applications.
    Requires,
    /// It connects the units of one application.
    Peer,
}

/// An endpoint of a charm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// Which side of a relation it is.
    pub role: Role,
}

/// A charm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charm {
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The names of its storages, each of which gets one instance at deployment.
    pub storages: Vec<String>,
    /// The names of its workload containers. Machines have none, whatever is here.
    pub containers: Vec<String>,
    /// The names of its actions.
    pub actions: Vec<String>,
}

impl Charm {
    /// Returns the charm with one endpoint more.
    #[must_use]
    pub fn with_endpoint(mut self, role: Role, name: &str) -> Self {
        self.endpoints.push(Endpoint { name: name.to_owned(), role });
        self
    }

    /// Returns the charm with one storage more.
    #[must_use]
    pub fn with_storage(mut self, name: &str) -> Self {
        self.storages.push(name.to_owned());
        self
    }

    /// Returns the charm with one container more.
    #[must_use]
    pub fn with_container(mut self, name: &str) -> Self {
        self.containers.push(name.to_owned());
        self
    }

    /// Returns the charm with one action more.
    #[must_use]
    pub fn with_action(mut self, name: &str) -> Self {
        self.actions.push(name.to_owned());
        self
    }

    /// Returns the endpoint of the name.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }
}
