//! A sequence of hooks, found in a graph.
//!
//! A sequence of names does not tell which relation a hook is of, nor what became of it.
//! Then whatever makes the hook possible is taken to be so ([`untold`](super::untold)), and a
//! hook that runs again is taken for one that failed before. Only what nothing makes possible
//! strays.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::derive::{Strand, place_in_unit, strand_of};
use super::untold::Untold;
use super::{Cluster, Graph, Part, Place, Subject};
use crate::vocabulary::{Hook, HookKind, Name, Outcome, Platform, Scope};

/// A hook of the sequence, with the places where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The hook, as people write it.
    pub hook: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it follows what was before it.
    pub is_possible: bool,
}

/// What the sequence does in one cluster. Hooks are numbered from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// The hooks that took each edge.
    pub edges: Vec<Vec<usize>>,
    /// The edges that lay on the way of a hook to its place.
    pub passed: BTreeSet<usize>,
    /// The hooks that led to each node.
    pub nodes: Vec<Vec<usize>>,
    /// The hooks of each node that failed or were cut off.
    pub failed: Vec<Vec<usize>>,
}

impl Traffic {
    /// Whether the path takes the edge, or passes over it.
    pub fn takes(&self, edge: usize) -> bool {
        !self.edges[edge].is_empty() || self.passed.contains(&edge)
    }
}

/// Writes the numbers of hooks: all of a few, else the first ones and how many there are.
pub(super) fn numbers(numbers: &[usize]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = numbers.iter().take(SHOWN).map(ToString::to_string).collect();
    let rest = if numbers.len() > SHOWN { format!(" … ×{}", numbers.len()) } else { String::new() };
    shown.join(", ") + &rest
}

/// A hook that the graph does not allow where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The hook, counted from 1.
    pub number: usize,
    /// The cluster that says so; none if no cluster knows the hook.
    pub cluster: Option<usize>,
    /// The node before it.
    pub from: Option<usize>,
    /// The node of the hook.
    pub to: Option<usize>,
    /// Why, for people who write charms.
    pub reason: String,
}

/// A sequence in a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The hooks, in their order.
    pub visits: Vec<Visit>,
    /// What they do in each cluster, in the order of the graph's.
    pub traffic: Vec<Traffic>,
    /// What the graph does not allow.
    pub strays: Vec<Stray>,
}

impl Path {
    /// Finds the hooks of one unit in the graph.
    pub fn find(graph: &Graph, hooks: &[(Hook, Outcome)]) -> Self {
        let mut finder = Finder::new(graph, hooks);
        for (index, (hook, outcome)) in hooks.iter().enumerate() {
            finder.is_removing |= hook.kind == HookKind::Stop && is_removed_next(&hooks[index + 1..]);
            finder.hook(index + 1, hook, *outcome);
        }
        for (traffic, untold) in finder.path.traffic.iter_mut().zip(&finder.untold) {
            untold.write(traffic);
        }
        finder.path
    }
}

/// A hook that was not done.
struct Failed {
    number: usize,
    hook: Hook,
    outcome: Outcome,
}

/// Follows a sequence.
struct Finder<'graph> {
    graph: &'graph Graph,
    path: Path,
    /// Where the unit is; unknown at first, where a sequence begins in the middle.
    unit: Option<usize>,
    has_started: bool,
    /// What comes later shows that the unit is being removed.
    is_removing: bool,
    begins_with_deployment: bool,
    /// Where each relation, storage and the like is that the sequence names.
    threads: BTreeMap<(usize, Strand), usize>,
    /// Where some of them may be as well.
    unsure: BTreeMap<(usize, Strand), usize>,
    /// For each cluster, where those are that it does not name.
    untold: Vec<Untold>,
    /// The hook that holds the unit in error.
    failed: Option<Failed>,
}

impl<'graph> Finder<'graph> {
    fn new(graph: &'graph Graph, hooks: &[(Hook, Outcome)]) -> Self {
        let first = hooks.iter().map(|(hook, _)| hook.kind).find(|kind| *kind != HookKind::Action);
        let begins_with_deployment =
            first.is_none_or(|kind| matches!(kind, HookKind::Install | HookKind::StorageAttached));
        let traffic = graph.clusters.iter().map(|cluster| Traffic {
            edges: vec![Vec::new(); cluster.edges.len()],
            passed: BTreeSet::new(),
            nodes: vec![Vec::new(); cluster.nodes.len()],
            failed: vec![Vec::new(); cluster.nodes.len()],
        });
        Self {
            graph,
            path: Path { visits: Vec::new(), traffic: traffic.collect(), strays: Vec::new() },
            unit: begins_with_deployment.then(|| graph.clusters.first()?.node(&Place::Begin)).flatten(),
            has_started: !begins_with_deployment,
            is_removing: false,
            begins_with_deployment,
            threads: BTreeMap::new(),
            unsure: BTreeMap::new(),
            untold: graph.clusters.iter().map(|_| Untold::default()).collect(),
            failed: None,
        }
    }

    fn hook(&mut self, number: usize, hook: &Hook, outcome: Outcome) {
        let strays_before = self.path.strays.len();
        self.settles_failed(number, hook);
        if hook.kind == HookKind::Install && self.is_removed() {
            // R78: the name of a unit that was removed may be used again.
            self.unit = self.graph.clusters.first().and_then(|unit| unit.node(&Place::Begin));
            (self.has_started, self.is_removing) = (false, false);
            self.threads.clear();
            self.unsure.clear();
            self.untold.iter_mut().for_each(Untold::forget);
        }
        // R85: what a container tells is told, whatever becomes of its hook.
        if outcome.is_committed() || hook.kind.scope() == Scope::Container {
            self.commits(number, hook);
        }
        if !outcome.is_committed() {
            let places = [
                (self.graph.cluster(&subject_of(hook)), strand_of(hook).map(|(_, place)| place)),
                (Some(0), place_in_unit(hook.kind, self.has_started)),
            ];
            for (cluster, place) in places {
                let (Some(cluster), Some(place)) = (cluster, place) else { continue };
                if let Some(node) = self.graph.clusters[cluster].node(&place) {
                    self.path.traffic[cluster].failed[node].push(number);
                }
            }
            // Nothing waits for a container's hook, nor for an action.
            if hook.kind.scope() != Scope::Container && hook.kind != HookKind::Action {
                self.mark_error(&Place::AnyHook, &Place::Error, number);
                self.failed = Some(Failed { number, hook: hook.clone(), outcome });
            }
        }
        let is_possible = self.path.strays.len() == strays_before;
        self.path.visits.push(Visit { hook: hook.to_string(), outcome, is_possible });
    }

    /// A hook that failed runs again, or counts as done where another one follows (R91).
    fn settles_failed(&mut self, number: usize, next: &Hook) {
        if next.kind == HookKind::Action {
            return;
        }
        let Some(failed) = self.failed.take() else { return };
        self.mark_error(&Place::Error, &Place::AnyHook, number);
        // R66: what a pod took along is found again later, or not at all.
        let goes_with_pod = match next.kind {
            HookKind::Stop => self.graph.profile.platform == Platform::Kubernetes,
            HookKind::UpgradeCharm | HookKind::Install => failed.outcome == Outcome::Terminated,
            _ => false,
        };
        if failed.hook.may_be(next) {
            return;
        }
        if goes_with_pod {
            self.may_have_committed(&failed);
        } else {
            self.commits(failed.number, &failed.hook);
        }
    }

    /// Nobody says whether the hook was resolved before the pod went.
    fn may_have_committed(&mut self, failed: &Failed) {
        let Some((strand, place)) = strand_of(&failed.hook) else { return };
        let cluster = self.graph.cluster(&subject_of(&failed.hook));
        let Some((cluster, to)) =
            cluster.and_then(|cluster| Some((cluster, self.graph.clusters[cluster].node(&place)?)))
        else {
            return;
        };
        if is_told(&strand) {
            self.unsure.insert((cluster, strand), to);
        } else {
            self.untold[cluster].may_move(&self.graph.clusters[cluster], failed.number, to);
        }
    }

    /// Takes what the hook is about to its place.
    fn commits(&mut self, number: usize, hook: &Hook) {
        let own = strand_of(hook);
        let cluster = own.as_ref().and_then(|_| self.graph.cluster(&subject_of(hook)));
        match (own, cluster) {
            (Some((strand, place)), Some(cluster)) => {
                self.moves_part(number, hook, cluster, strand, &place);
            }
            (Some(_), None) => {
                let reason = format!("`{}` is not of this charm, or not of this Juju", hook.name());
                self.stray(number, None, None, None, reason);
                return;
            }
            (None, _) => {}
        }
        if let Some(place) = place_in_unit(hook.kind, self.has_started) {
            self.moves_unit(number, hook, &place);
        }
        self.has_started |= hook.kind == HookKind::Start;
    }

    fn is_removed(&self) -> bool {
        let removed = Place::Hook(Part::Teardown, HookKind::Remove);
        self.unit.is_some() && self.unit == self.graph.clusters.first().and_then(|unit| unit.node(&removed))
    }

    fn mark_error(&mut self, from: &Place, to: &Place, number: usize) {
        let Some(unit) = self.graph.clusters.first() else { return };
        if let (Some(from), Some(to)) = (unit.node(from), unit.node(to))
            && let Some(edge) = unit.edge(from, to)
        {
            self.path.traffic[0].edges[edge].push(number);
        }
    }

    /// Moves the unit as a whole, through places that no hook tells of.
    fn moves_unit(&mut self, number: usize, hook: &Hook, place: &Place) {
        let graph = self.graph;
        let Some(cluster) = graph.clusters.first() else { return };
        let Some(to) = cluster.node(place) else {
            let reason = not_here(graph, hook);
            self.stray(number, Some(0), self.unit, None, reason);
            return;
        };
        let from = self.unit.replace(to);
        self.path.traffic[0].nodes[to].push(number);
        let Some(from) = from else { return };
        let dying = cluster
            .node(&Place::Dying(Part::Operation))
            .filter(|_| hook.kind == HookKind::Stop && self.is_removing);
        let through_dying =
            dying.and_then(|dying| Some([route(cluster, from, dying)?, route(cluster, dying, to)?].concat()));
        if let Some(route) = through_dying.or_else(|| route(cluster, from, to)) {
            let (last, before) = route.split_last().unwrap_or((&0, &[]));
            self.path.traffic[0].edges[*last].push(number);
            self.path.traffic[0].passed.extend(before);
        } else if from != to {
            self.cannot_follow(number, hook, 0, from, to);
        }
        if *place == Place::Hook(Part::Teardown, HookKind::Remove)
            && let Some(gone) = cluster.node(&Place::Gone)
            && let Some(edge) = cluster.edge(to, gone)
        {
            self.path.traffic[0].passed.insert(edge);
        }
    }

    /// Moves a relation, a storage or the like.
    fn moves_part(&mut self, number: usize, hook: &Hook, cluster: usize, strand: Strand, place: &Place) {
        let graph = self.graph;
        let shown = &graph.clusters[cluster];
        let Some(to) = shown.node(place) else {
            let reason = not_here(graph, hook);
            self.stray(number, Some(cluster), None, None, reason);
            return;
        };
        self.path.traffic[cluster].nodes[to].push(number);
        if strand == Strand::Action {
            // Each run is a new one.
            let edge = shown.node(&Place::Begin).and_then(|begin| shown.edge(begin, to));
            self.path.traffic[cluster].edges[edge.unwrap_or_default()].push(number);
        } else if is_told(&strand) {
            self.moves_thread(number, hook, cluster, strand, to);
        } else if let Err(from) = self.untold[cluster].moves(shown, number, to, self.begins_with_deployment) {
            self.cannot_follow(number, hook, cluster, from, to);
        }
    }

    /// Moves the one that the hook names.
    fn moves_thread(&mut self, number: usize, hook: &Hook, cluster: usize, strand: Strand, to: usize) {
        let shown = &self.graph.clusters[cluster];
        let key = (cluster, strand);
        let known = self.threads.get(&key).copied();
        let from = known.or_else(|| shown.node(&Place::Begin));
        let may_be_at = self.unsure.remove(&key);
        let edge = [from, may_be_at].into_iter().flatten().find_map(|from| shown.edge(from, to));
        // What was there before the sequence begins may be anywhere, and what was cut off
        // runs again.
        let is_excused =
            (known.is_none() && !self.begins_with_deployment) || known == Some(to) || may_be_at == Some(to);
        match (edge, from) {
            (Some(edge), _) => self.path.traffic[cluster].edges[edge].push(number),
            (None, Some(from)) if !is_excused => self.cannot_follow(number, hook, cluster, from, to),
            (None, _) => {}
        }
        self.threads.insert(key, to);
    }

    fn cannot_follow(&mut self, number: usize, hook: &Hook, cluster: usize, from: usize, to: usize) {
        let shown = &self.graph.clusters[cluster];
        let before = match &shown.nodes[from].place {
            Place::Begin if cluster == 0 => "the deployment".to_owned(),
            Place::Begin => "nothing".to_owned(),
            Place::Hook(_, _)
            | Place::Action(_)
            | Place::Idle
            | Place::Dying(_)
            | Place::Down
            | Place::Gone
            | Place::AnyHook
            | Place::Error => format!("`{}`", shown.nodes[from].label),
        };
        let reason = format!("`{}` cannot follow {before} ({})", hook.name(), shown.title);
        self.stray(number, Some(cluster), Some(from), Some(to), reason);
    }

    fn stray(
        &mut self,
        number: usize,
        cluster: Option<usize>,
        from: Option<usize>,
        to: Option<usize>,
        reason: String,
    ) {
        self.path.strays.push(Stray { number, cluster, from, to, reason });
    }
}

/// Whether `remove` is what the unit as a whole does next.
fn is_removed_next(hooks: &[(Hook, Outcome)]) -> bool {
    let kinds = hooks.iter().map(|(hook, _)| hook.kind);
    let next = kinds.filter(|kind| *kind != HookKind::Stop).find(|kind| place_in_unit(*kind, true).is_some());
    next == Some(HookKind::Remove)
}

/// Returns the cluster that a hook belongs to, below the level of the unit.
fn subject_of(hook: &Hook) -> Subject {
    let name = || Name::from(hook.subject());
    match hook.kind.scope() {
        Scope::Unit => Subject::Unit,
        Scope::Relation => Subject::Endpoint(name()),
        Scope::Storage => Subject::Storage(name()),
        Scope::Container => Subject::Container(name()),
        Scope::Secret => Subject::Secrets,
        Scope::Action => Subject::Actions,
    }
}

fn not_here(graph: &Graph, hook: &Hook) -> String {
    let Graph { profile, .. } = graph;
    format!("`{}` does not run here on Juju {} on {}", hook.name(), profile.version, profile.platform)
}

/// Whether the source says which one it is.
fn is_told(strand: &Strand) -> bool {
    match strand {
        Strand::Relation(id) => id.is_some(),
        Strand::Storage(name)
        | Strand::Notice(name)
        | Strand::Check(name)
        | Strand::SecretChanged(name)
        | Strand::SecretRotate(name) => name.is_some(),
        Strand::SecretRevision(id, revision) => id.is_some() && revision.is_some(),
        Strand::Ready | Strand::Action => true,
    }
}

/// Returns the edges of the shortest way between two nodes on which no hook runs: of a usual
/// one, if there is one.
fn route(cluster: &Cluster, from: usize, to: usize) -> Option<Vec<usize>> {
    route_by(cluster, from, to, true).or_else(|| route_by(cluster, from, to, false))
}

fn route_by(cluster: &Cluster, from: usize, to: usize, is_usual: bool) -> Option<Vec<usize>> {
    let mut todo = VecDeque::from([(from, Vec::new())]);
    let mut seen = BTreeSet::new();
    while let Some((node, way)) = todo.pop_front() {
        for (index, edge) in cluster.edges.iter().enumerate() {
            if edge.from != node || (is_usual && !edge.is_usual) {
                continue;
            }
            let way: Vec<usize> = way.iter().copied().chain([index]).collect();
            if edge.to == to {
                return Some(way);
            }
            let is_silent =
                matches!(cluster.nodes[edge.to].place, Place::Idle | Place::Dying(_) | Place::Down);
            if is_silent && seen.insert(edge.to) {
                todo.push_back((edge.to, way));
            }
        }
    }
    None
}
