//! What a drawing of a cluster has: not all that the cluster has.
//!
//! While a unit is being set up, so much may come in between that a picture of all of it
//! shows nothing. So a drawing leaves out what is unusual, unless the path goes there.

use super::{Cluster, Path};

/// Which nodes and edges of a cluster are drawn, by their indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) nodes: Vec<usize>,
    pub(super) edges: Vec<usize>,
}

impl Shown {
    /// Chooses what is drawn of the cluster with the index.
    pub(super) fn of(cluster: &Cluster, index: usize, path: Option<&Path>, is_all: bool) -> Self {
        let traffic = path.and_then(|path| path.traffic.get(index));
        let edges: Vec<usize> = (0..cluster.edges.len())
            .filter(|edge| {
                let is_taken = traffic.is_some_and(|traffic| traffic.takes(*edge));
                is_all || cluster.edges[*edge].is_usual || is_taken
            })
            .collect();
        let strays = path.iter().flat_map(|path| &path.strays).filter(|stray| stray.cluster == Some(index));
        let strays: Vec<usize> = strays.flat_map(|stray| [stray.from, stray.to]).flatten().collect();
        let nodes = (0..cluster.nodes.len()).filter(|node| {
            let has_edge =
                |edge: &usize| cluster.edges[*edge].from == *node || cluster.edges[*edge].to == *node;
            let is_visited = traffic
                .is_some_and(|traffic| !traffic.nodes[*node].is_empty() || !traffic.failed[*node].is_empty());
            edges.iter().any(has_edge) || is_visited || strays.contains(node)
        });
        Self { nodes: nodes.collect(), edges }
    }
}
