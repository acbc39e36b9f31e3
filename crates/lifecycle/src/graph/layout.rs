//! Places the nodes of a small directed graph in layers, from top to bottom.
//!
//! It is the method of Sugiyama, Tagawa and Toda: turn edges that lead back, give each node
//! a layer, order each layer so that few edges cross, and move nodes to where their
//! neighbours are. Nothing here depends on anything but the graph, so the same graph is
//! placed the same everywhere.

use std::collections::{BTreeMap, BTreeSet};

/// A point, in units of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// How large a node is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where everything is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The centre of each node.
    pub(super) nodes: Vec<Point>,
    /// The points of each edge, from the border of one node to that of the other. An edge
    /// from a node to itself has none.
    pub(super) edges: Vec<Vec<Point>>,
}

/// The room between two nodes of a layer.
const GAP_X: f64 = 22.0;
/// The room between two layers.
const GAP_Y: f64 = 36.0;
/// The room that an edge of a node to itself takes at its right.
pub(super) const LOOP_WIDTH: f64 = 30.0;
/// How often the layers are ordered, and how often their nodes are moved.
const SWEEPS: usize = 24;

/// A node, or the place where an edge passes through a layer.
#[derive(Clone, Debug)]
struct Item {
    left: f64,
    right: f64,
    is_node: bool,
    above: Vec<usize>,
    below: Vec<usize>,
}

/// Places nodes of the sizes, with edges between their indices.
pub(super) fn lay_out(sizes: &[Size], edges: &[(usize, usize)]) -> Layout {
    if sizes.is_empty() {
        return Layout::default();
    }
    let downward = downward(sizes.len(), edges);
    let layer_of = layers(sizes.len(), &downward);
    let mut items: Vec<Item> = (0..sizes.len())
        .map(|node| {
            let half = sizes[node].width / 2.0;
            let loops = if edges.contains(&(node, node)) { LOOP_WIDTH } else { 0.0 };
            Item { left: half, right: half + loops, is_node: true, above: Vec::new(), below: Vec::new() }
        })
        .collect();
    let last_layer = layer_of.iter().copied().max().unwrap_or(0);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); last_layer + 1];
    for (node, layer) in layer_of.iter().enumerate() {
        layers[*layer].push(node);
    }
    // The way of each edge, from layer to layer.
    let mut ways: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for &(from, to) in &downward {
        let mut way = vec![from];
        for layer in &mut layers[layer_of[from] + 1..layer_of[to]] {
            layer.push(items.len());
            way.push(items.len());
            items.push(Item { left: 3.0, right: 3.0, is_node: false, above: Vec::new(), below: Vec::new() });
        }
        way.push(to);
        for pair in way.windows(2) {
            items[pair[0]].below.push(pair[1]);
            items[pair[1]].above.push(pair[0]);
        }
        ways.insert((from, to), way);
    }
    order(&mut layers, &items);
    let xs = columns(&layers, &items);
    let (ys, height) = rows(&layers, sizes);
    let left = layers.iter().flatten().map(|item| xs[*item] - items[*item].left).fold(f64::MAX, f64::min);
    let right = layers.iter().flatten().map(|item| xs[*item] + items[*item].right).fold(f64::MIN, f64::max);
    let point = |item: usize| Point { x: xs[item] - left, y: ys[&item] };
    let nodes: Vec<Point> = (0..sizes.len()).map(point).collect();
    let ports = ports(&ways, &nodes, sizes, &point);
    let edges = edges.iter().map(|&(from, to)| {
        let (way, is_turned) = match (ways.get(&(from, to)), ways.get(&(to, from))) {
            (Some(_), _) => ((from, to), false),
            (None, Some(_)) => ((to, from), true),
            (None, None) => return Vec::new(),
        };
        let items = &ways[&way];
        let mut points: Vec<Point> = items[1..items.len() - 1].iter().map(|item| point(*item)).collect();
        points.insert(0, ports[&(way, false)]);
        points.push(ports[&(way, true)]);
        if is_turned {
            points.reverse();
        }
        points
    });
    Layout { width: right - left, height, edges: edges.collect(), nodes }
}

/// Returns the edges, those turned that lead back to where they come from.
fn downward(nodes: usize, edges: &[(usize, usize)]) -> BTreeSet<(usize, usize)> {
    fn visit(node: usize, edges: &[(usize, usize)], state: &mut [u8], found: &mut BTreeSet<(usize, usize)>) {
        state[node] = 1;
        for &(_, to) in edges.iter().filter(|(from, to)| *from == node && from != to) {
            if state[to] == 1 {
                found.insert((to, node));
                continue;
            }
            found.insert((node, to));
            if state[to] == 0 {
                visit(to, edges, state, found);
            }
        }
        state[node] = 2;
    }
    let mut state = vec![0; nodes];
    let mut found = BTreeSet::new();
    for node in 0..nodes {
        if state[node] == 0 {
            visit(node, edges, &mut state, &mut found);
        }
    }
    found
}

/// Returns the layer of each node: one below the lowest of those above it.
fn layers(nodes: usize, downward: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let mut layers = vec![0; nodes];
    // The edges have no circle, so this ends after as many rounds as there are nodes.
    for _ in 0..nodes {
        for &(from, to) in downward {
            layers[to] = layers[to].max(layers[from] + 1);
        }
    }
    layers
}

/// Orders each layer by where the neighbours of its items are, and keeps the best order.
fn order(layers: &mut Vec<Vec<usize>>, items: &[Item]) {
    let mut best = layers.clone();
    let mut fewest = crossings(layers, items);
    for sweep in 0..SWEEPS {
        let is_downward = sweep % 2 == 0;
        let indices: Vec<usize> = if is_downward {
            (1..layers.len()).collect()
        } else {
            (0..layers.len().saturating_sub(1)).rev().collect()
        };
        for index in indices {
            let fixed = if is_downward { &layers[index - 1] } else { &layers[index + 1] };
            let place: BTreeMap<usize, usize> =
                fixed.iter().enumerate().map(|(place, item)| (*item, place)).collect();
            let mut keyed: Vec<(f64, usize, usize)> = layers[index]
                .iter()
                .enumerate()
                .map(|(old, item)| {
                    let neighbours = if is_downward { &items[*item].above } else { &items[*item].below };
                    let sum: usize = neighbours.iter().filter_map(|item| place.get(item)).sum();
                    let mean =
                        if neighbours.is_empty() { old as f64 } else { sum as f64 / neighbours.len() as f64 };
                    (mean, old, *item)
                })
                .collect();
            keyed.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
            layers[index] = keyed.into_iter().map(|(_, _, item)| item).collect();
        }
        let count = crossings(layers, items);
        if count < fewest {
            fewest = count;
            best.clone_from(layers);
        }
    }
    *layers = best;
}

fn crossings(layers: &[Vec<usize>], items: &[Item]) -> usize {
    let mut count = 0;
    for pair in layers.windows(2) {
        let place: BTreeMap<usize, usize> =
            pair[1].iter().enumerate().map(|(place, item)| (*item, place)).collect();
        let lines: Vec<(usize, usize)> = pair[0]
            .iter()
            .enumerate()
            .flat_map(|(upper, item)| {
                items[*item].below.iter().filter_map(|item| place.get(item)).map(move |lower| (upper, *lower))
            })
            .collect();
        for (index, one) in lines.iter().enumerate() {
            let crosses = |other: &&(usize, usize)| {
                (one.0 < other.0 && one.1 > other.1) || (one.0 > other.0 && one.1 < other.1)
            };
            count += lines[index + 1..].iter().filter(crosses).count();
        }
    }
    count
}

/// Returns where each item is from left to right: as near to its neighbours as the order
/// and the room between items allow.
fn columns(layers: &[Vec<usize>], items: &[Item]) -> Vec<f64> {
    let mut xs = vec![0.0; items.len()];
    for layer in layers {
        let mut x = 0.0;
        for item in layer {
            xs[*item] = x + items[*item].left;
            x += items[*item].left + items[*item].right + GAP_X;
        }
        // All layers have their middle in one place at first.
        for item in layer {
            xs[*item] -= (x - GAP_X) / 2.0;
        }
    }
    for sweep in 0..SWEEPS {
        let order: Vec<usize> =
            if sweep % 2 == 0 { (0..layers.len()).collect() } else { (0..layers.len()).rev().collect() };
        for index in order {
            let layer = &layers[index];
            let wanted: Vec<(f64, f64)> = layer.iter().map(|item| wanted(*item, items, &xs)).collect();
            let placed = place(layer, items, &wanted);
            for (item, x) in layer.iter().zip(placed) {
                xs[*item] = x;
            }
        }
    }
    xs
}

/// Returns where an item wants to be, and how much: long edges are to be straight.
fn wanted(item: usize, items: &[Item], xs: &[f64]) -> (f64, f64) {
    let neighbours = || items[item].above.iter().chain(&items[item].below);
    let weight = |other: usize| if items[item].is_node || items[other].is_node { 1.0 } else { 8.0 };
    let total: f64 = neighbours().map(|other| weight(*other)).sum();
    if total == 0.0 {
        return (xs[item], 0.1);
    }
    let sum: f64 = neighbours().map(|other| weight(*other) * xs[*other]).sum();
    (sum / total, total)
}

/// Places the items of a layer in their order, each as near to where it wants to be as the
/// others let it: neighbours that want the same room share what they have to give up.
fn place(layer: &[usize], items: &[Item], wanted: &[(f64, f64)]) -> Vec<f64> {
    let mut offsets = vec![0.0; layer.len()];
    for index in 1..layer.len() {
        let (before, this) = (&items[layer[index - 1]], &items[layer[index]]);
        offsets[index] = offsets[index - 1] + before.right + GAP_X + this.left;
    }
    // Blocks of items that touch: how many, the weight of all, and where the block is.
    let mut blocks: Vec<(usize, f64, f64)> = Vec::new();
    for (index, (x, weight)) in wanted.iter().enumerate() {
        blocks.push((1, *weight, x - offsets[index]));
        while let [.., (count, weight, x), (next_count, next_weight, next_x)] = blocks[..]
            && x > next_x
        {
            blocks.truncate(blocks.len() - 2);
            let both = weight + next_weight;
            blocks.push((count + next_count, both, (x * weight + next_x * next_weight) / both));
        }
    }
    let bases = blocks.iter().flat_map(|(count, _, x)| std::iter::repeat_n(*x, *count));
    bases.zip(offsets).map(|(base, offset)| base + offset).collect()
}

/// Returns the height of the middle of each item, and that of the whole.
fn rows(layers: &[Vec<usize>], sizes: &[Size]) -> (BTreeMap<usize, f64>, f64) {
    let mut ys = BTreeMap::new();
    let mut top = 0.0;
    for layer in layers {
        let heights = layer.iter().filter_map(|item| sizes.get(*item)).map(|size| size.height);
        let height = heights.fold(0.0, f64::max);
        ys.extend(layer.iter().map(|item| (*item, top + height / 2.0)));
        top += height + GAP_Y;
    }
    (ys, top - GAP_Y)
}

/// Returns where each edge leaves its upper node, and where it reaches its lower one: side
/// by side, in the order of where they go.
fn ports(
    ways: &BTreeMap<(usize, usize), Vec<usize>>,
    nodes: &[Point],
    sizes: &[Size],
    point: &impl Fn(usize) -> Point,
) -> BTreeMap<((usize, usize), bool), Point> {
    let mut ports = BTreeMap::new();
    for (node, centre) in nodes.iter().enumerate() {
        for is_top in [false, true] {
            let mut here: Vec<(f64, (usize, usize))> = ways
                .iter()
                .filter(|((from, to), _)| if is_top { *to == node } else { *from == node })
                .map(|(way, items)| {
                    let next = if is_top { items[items.len() - 2] } else { items[1] };
                    (point(next).x, *way)
                })
                .collect();
            here.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
            let step = (sizes[node].width - 16.0).max(0.0) / (here.len() + 1) as f64;
            let first = centre.x - step * (here.len() as f64 - 1.0) / 2.0;
            let half = sizes[node].height / 2.0;
            let y = if is_top { centre.y - half } else { centre.y + half };
            for (index, (_, way)) in here.into_iter().enumerate() {
                ports.insert((way, is_top), Point { x: first + step * index as f64, y });
            }
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size { width: 40.0, height: 20.0 };

    #[test]
    fn a_chain_goes_straight_down() {
        let layout = lay_out(&[SIZE; 3], &[(0, 1), (1, 2)]);
        let xs: Vec<f64> = layout.nodes.iter().map(|node| node.x).collect();
        assert_eq!(xs, [20.0; 3]);
        assert!((layout.height - (60.0 + 2.0 * GAP_Y)).abs() < 0.01);
        assert_eq!(layout.edges[0], [Point { x: 20.0, y: 20.0 }, Point { x: 20.0, y: 20.0 + GAP_Y }]);
    }

    #[test]
    fn an_edge_that_leads_back_is_turned() {
        let layout = lay_out(&[SIZE; 2], &[(0, 1), (1, 0), (1, 1)]);
        assert!(layout.nodes[0].y < layout.nodes[1].y);
        let mut back = layout.edges[1].clone();
        back.reverse();
        assert_eq!(layout.edges[0], back);
        assert_eq!(layout.edges[2], []);
        assert!((layout.width - (40.0 + LOOP_WIDTH)).abs() < 0.01);
    }

    fn a_graph() -> impl Strategy<Value = (Vec<Size>, Vec<(usize, usize)>)> {
        (1_usize..12).prop_flat_map(|count| {
            let sizes = proptest::collection::vec(
                (10_u8..200, 10_u8..40)
                    .prop_map(|(width, height)| Size { width: width.into(), height: height.into() }),
                count,
            );
            let edges = proptest::collection::btree_set((0..count, 0..count), 0..30);
            (sizes, edges.prop_map(|edges| edges.into_iter().collect()))
        })
    }

    proptest! {
        #[test]
        fn nothing_overlaps_and_nothing_is_outside((sizes, edges) in a_graph()) {
            let layout = lay_out(&sizes, &edges);
            prop_assert_eq!(layout.nodes.len(), sizes.len());
            for (index, (node, size)) in layout.nodes.iter().zip(&sizes).enumerate() {
                let inside = node.x - size.width / 2.0 >= -0.01
                    && node.x + size.width / 2.0 <= layout.width + 0.01
                    && node.y - size.height / 2.0 >= -0.01
                    && node.y + size.height / 2.0 <= layout.height + 0.01;
                prop_assert!(inside, "{:?} of {:?}", node, layout);
                for (other, other_size) in layout.nodes.iter().zip(&sizes).skip(index + 1) {
                    let apart = (node.x - other.x).abs() >= f64::midpoint(size.width, other_size.width) - 0.01
                        || (node.y - other.y).abs() >= f64::midpoint(size.height, other_size.height) - 0.01;
                    prop_assert!(apart, "{:?} and {:?}", node, other);
                }
            }
            for ((from, to), points) in edges.iter().zip(&layout.edges) {
                prop_assert_eq!(points.is_empty(), from == to);
            }
            prop_assert_eq!(layout, lay_out(&sizes, &edges));
        }
    }
}
