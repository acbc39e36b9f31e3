//! Relations, storages and the like of which a sequence tells no number.
//!
//! A hook of a name alone may be of any of them. So all ways to read the names are followed
//! at once, each as the places of however many there are, and the first one that explains all
//! is taken.

use super::{Cluster, Place, Traffic};

/// How many readings are followed. Those that are left out are of many relations that differ
/// in nothing.
const READINGS_MAX: usize = 64;

/// All that a cluster may be at.
#[derive(Debug)]
pub(super) struct Untold {
    readings: Vec<Reading>,
    /// The edges that were taken. A reading holds the last of its own, each of which holds
    /// the one before it.
    taken: Vec<Taken>,
}

/// One way to read the names so far.
#[derive(Clone, Debug)]
struct Reading {
    /// Where each one is, in the order of the nodes.
    nodes: Vec<usize>,
    taken: Option<usize>,
}

#[derive(Debug)]
struct Taken {
    number: usize,
    edge: usize,
    before: Option<usize>,
}

impl Default for Untold {
    fn default() -> Self {
        Self { readings: vec![Reading { nodes: Vec::new(), taken: None }], taken: Vec::new() }
    }
}

impl Untold {
    /// One of them goes to a node, or a new one begins there. Returns a node that it was at,
    /// if no reading explains that.
    pub(super) fn moves(
        &mut self,
        cluster: &Cluster,
        number: usize,
        to: usize,
        begins_with_deployment: bool,
    ) -> Result<(), usize> {
        let begin = cluster.node(&Place::Begin);
        let mut next: Vec<Reading> = Vec::new();
        let add = |next: &mut Vec<Reading>, mut reading: Reading| {
            reading.nodes.sort_unstable();
            if next.len() < READINGS_MAX && next.iter().all(|known| known.nodes != reading.nodes) {
                next.push(reading);
            }
        };
        let before = std::mem::take(&mut self.readings);
        for reading in &before {
            let mut goes = |taken: &mut Vec<Taken>, edge: usize, moved: Option<usize>| {
                taken.push(Taken { number, edge, before: reading.taken });
                let mut nodes = reading.nodes.clone();
                match moved {
                    Some(index) => nodes[index] = to,
                    None => nodes.push(to),
                }
                add(&mut next, Reading { nodes, taken: Some(taken.len() - 1) });
            };
            for (index, from) in reading.nodes.iter().enumerate() {
                let is_first = index == 0 || reading.nodes[index - 1] != *from;
                if let Some(edge) = cluster.edge(*from, to).filter(|_| is_first) {
                    goes(&mut self.taken, edge, Some(index));
                }
            }
            if let Some(edge) = begin.and_then(|begin| cluster.edge(begin, to)) {
                goes(&mut self.taken, edge, None);
            }
            // It was cut off or failed, and runs again.
            if reading.nodes.contains(&to) {
                add(&mut next, reading.clone());
            }
        }
        let mut strays = Ok(());
        if next.is_empty() {
            // What was there before the sequence begins may be anywhere.
            let mut reading = before.into_iter().next().unwrap_or(Reading { nodes: Vec::new(), taken: None });
            if begins_with_deployment {
                strays = Err(reading.nodes.pop().or(begin).unwrap_or(to));
            }
            reading.nodes.push(to);
            add(&mut next, reading);
        }
        self.readings = next;
        strays
    }

    /// One of them may have gone to a node.
    pub(super) fn may_move(&mut self, cluster: &Cluster, number: usize, to: usize) {
        let before = self.readings.clone();
        if self.moves(cluster, number, to, true).is_err() {
            self.readings = before;
            return;
        }
        let new = before
            .into_iter()
            .filter(|reading| self.readings.iter().all(|known| known.nodes != reading.nodes));
        let new: Vec<Reading> = new.collect();
        self.readings.splice(0..0, new);
        self.readings.truncate(READINGS_MAX);
    }

    /// Nothing is left of what was.
    pub(super) fn forget(&mut self) {
        self.readings.truncate(1);
        for reading in &mut self.readings {
            reading.nodes.clear();
        }
    }

    /// Writes down the edges that the first reading takes.
    pub(super) fn write(&self, traffic: &mut Traffic) {
        let mut last = self.readings.first().and_then(|reading| reading.taken);
        while let Some(taken) = last.and_then(|index| self.taken.get(index)) {
            traffic.edges[taken.edge].push(taken.number);
            last = taken.before;
        }
        for numbers in &mut traffic.edges {
            numbers.sort_unstable();
        }
    }
}
