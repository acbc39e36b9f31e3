//! A graph as SVG: one picture that needs nothing but itself.
//!
//! Each cluster is a card of its own, with its small machine in it; edges between cards
//! there are none. What each element stands for is in its title, and hooks of a path are in
//! `data-n`, for pages that want to point at them.

use std::fmt::Write as _;

use super::layout::{LOOP_WIDTH, Layout, Point, Size, lay_out};
use super::path::numbers;
use super::shown::Shown;
use super::{Cluster, Graph, Path, Place, Subject};
use crate::vocabulary::Platform;

/// The width of a letter of the font that all text is in.
const LETTER: f64 = 7.3;
const NODE_HEIGHT: f64 = 26.0;
/// The room that edges have beside each other at a node.
const EDGE_ROOM: f64 = 24.0;
const PADDING: f64 = 16.0;
const TITLE_HEIGHT: f64 = 30.0;
const CARD_GAP: f64 = 18.0;
/// The head of the picture: its title and what the lines mean.
const HEAD_HEIGHT: f64 = 64.0;
/// How many of the hooks that are not allowed are told below the picture.
const STRAYS_TOLD: usize = 20;
const LINE_HEIGHT: f64 = 18.0;

const STYLE: &str = include_str!("style.css");

/// Draws the graph, with a path on it if there is one; all of it, or what is usual.
pub fn write(graph: &Graph, path: Option<&Path>, is_all: bool) -> String {
    let cards: Vec<Card<'_>> = graph
        .clusters
        .iter()
        .enumerate()
        .map(|(index, cluster)| Card::new(cluster, index, path, is_all))
        .collect();
    let (places, width, height) = arrange(&cards);
    let strays = path.map_or(&[][..], |path| &path.strays);
    let told = strays.len().min(STRAYS_TOLD);
    let foot = if told == 0 { 0.0 } else { (told + 1) as f64 * LINE_HEIGHT + CARD_GAP };
    let (width, height) = (width.max(640.0), HEAD_HEIGHT + height + foot);
    let title = title(graph);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lifecycle\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n{MARKERS}\
         <rect class=\"page\" width=\"{w}\" height=\"{h}\"/>\n\
         <text class=\"heading\" x=\"{CARD_GAP}\" y=\"30\">{title}</text>\n",
        w = number(width),
        h = number(height),
        title = escaped(&title),
    );
    legend(&mut text, path.is_some(), is_all);
    for (card, place) in cards.iter().zip(places) {
        card.write(&mut text, Point { x: place.x, y: place.y + HEAD_HEIGHT });
    }
    let mut y = height - foot + LINE_HEIGHT;
    if told > 0 {
        let rest = if strays.len() > told {
            format!(" (the first {told} of {})", strays.len())
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "<text class=\"stray-text\" x=\"{CARD_GAP}\" y=\"{}\">Not possible{rest}:</text>",
            number(y)
        );
        for stray in &strays[..told] {
            y += LINE_HEIGHT;
            let _ = writeln!(
                text,
                "<text class=\"stray-text\" x=\"{CARD_GAP}\" y=\"{}\" data-n=\"{}\">{}. {}</text>",
                number(y),
                stray.number,
                stray.number,
                escaped(&stray.reason)
            );
        }
    }
    text.push_str("</svg>\n");
    text
}

/// Says what is drawn.
pub(super) fn title(graph: &Graph) -> String {
    let platform = match graph.profile.platform {
        Platform::Machine => "a machine",
        Platform::Kubernetes => "Kubernetes",
    };
    format!("What Juju {} runs for {} on {platform}", graph.profile.version, graph.charm)
}

const MARKERS: &str = concat!(
    "<defs>\n",
    "<marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker>\n",
    "<marker id=\"tip-taken\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"10\" markerHeight=\"10\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip-taken\" d=\"M0 0L8 4L0 8z\"/></marker>\n",
    "<marker id=\"tip-stray\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"10\" markerHeight=\"10\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip-stray\" d=\"M0 0L8 4L0 8z\"/></marker>\n",
    "</defs>\n",
);

/// Says what the lines mean.
fn legend(text: &mut String, has_path: bool, is_all: bool) {
    let mut entries = vec![("edge", "may follow")];
    if is_all || has_path {
        entries.push(("edge unusual", "may follow if something happens in between"));
    }
    if has_path {
        entries.push(("edge taken", "the sequence goes here, with the numbers of its hooks"));
        entries.push(("edge stray", "not possible"));
    }
    let mut x = CARD_GAP;
    for (class, words) in entries {
        let _ = writeln!(
            text,
            "<path class=\"{class}\" d=\"M{} 48h30\"/><text class=\"legend\" x=\"{}\" y=\"52\">{words}</text>",
            number(x),
            number(x + 38.0)
        );
        x += 38.0 + words.len() as f64 * LETTER + 24.0;
    }
}

/// A cluster with the places of all that is drawn of it.
struct Card<'a> {
    cluster: &'a Cluster,
    index: usize,
    path: Option<&'a Path>,
    shown: Shown,
    sizes: Vec<Size>,
    layout: Layout,
}

impl<'a> Card<'a> {
    fn new(cluster: &'a Cluster, index: usize, path: Option<&'a Path>, is_all: bool) -> Self {
        let mut shown = Shown::of(cluster, index, path, is_all);
        if cluster.subject == Subject::Actions {
            // Each is by itself, so that they are a list.
            shown.edges.clear();
            shown.nodes.retain(|node| cluster.nodes[*node].place != Place::Begin);
        }
        let sizes: Vec<Size> = shown
            .nodes
            .iter()
            .map(|node| {
                // A place that much leads to is wide enough for all of it.
                let edges = || shown.edges.iter().map(|edge| cluster.edges[*edge]);
                let incoming = edges().filter(|edge| edge.to == *node).count();
                let outgoing = edges().filter(|edge| edge.from == *node).count();
                let size = size(&cluster.nodes[*node].label);
                let room = incoming.max(outgoing) as f64 * EDGE_ROOM;
                Size {
                    width: if size.height < NODE_HEIGHT { size.width } else { size.width.max(room) },
                    ..size
                }
            })
            .collect();
        let layout = if cluster.subject == Subject::Actions {
            list(&sizes)
        } else {
            let local = |node: usize| shown.nodes.iter().position(|known| *known == node).unwrap_or_default();
            let edges: Vec<(usize, usize)> = shown
                .edges
                .iter()
                .map(|edge| (local(cluster.edges[*edge].from), local(cluster.edges[*edge].to)))
                .collect();
            lay_out(&sizes, &edges)
        };
        Self { cluster, index, path, shown, sizes, layout }
    }

    fn size(&self) -> Size {
        let title = self.cluster.title.chars().count() as f64 * LETTER;
        Size {
            width: self.layout.width.max(title) + 2.0 * PADDING,
            height: self.layout.height + TITLE_HEIGHT + PADDING,
        }
    }

    fn write(&self, text: &mut String, place: Point) {
        let Size { width, height } = self.size();
        let _ = writeln!(
            text,
            "<g class=\"card\" data-card=\"{}\" transform=\"translate({} {})\">\n\
             <rect class=\"card\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n\
             <text class=\"title\" x=\"{PADDING}\" y=\"20\">{}</text>",
            self.index,
            number(place.x),
            number(place.y),
            number(width),
            number(height),
            escaped(&self.cluster.title)
        );
        // The whole is in the middle of its card.
        let origin = Point { x: (width - self.layout.width) / 2.0, y: TITLE_HEIGHT };
        let at = |point: &Point| Point { x: point.x + origin.x, y: point.y + origin.y };
        let traffic = self.path.and_then(|path| path.traffic.get(self.index));
        let takes = |edge: &usize| traffic.is_some_and(|traffic| traffic.takes(*edge));
        // What is taken lies above the rest.
        let mut order: Vec<usize> = (0..self.shown.edges.len()).collect();
        order.sort_by_key(|local| takes(&self.shown.edges[*local]));
        let mut labels = String::new();
        for local in order {
            let index = self.shown.edges[local];
            let edge = self.cluster.edges[index];
            let points: Vec<Point> = self.layout.edges[local].iter().map(at).collect();
            let (curve, middle) = match &points[..] {
                [] => self.loop_at(&at, edge.from),
                points => (curve(points), label_place(points)),
            };
            // The numbers of both directions are beside each other.
            let has_opposite = self
                .shown
                .edges
                .iter()
                .map(|other| self.cluster.edges[*other])
                .any(|other| (other.from, other.to) == (edge.to, edge.from) && edge.from != edge.to);
            let goes_up = points.first().zip(points.last()).is_some_and(|(first, last)| first.y > last.y);
            let shift = if !has_opposite {
                0.0
            } else if goes_up {
                9.0
            } else {
                -9.0
            };
            let middle = Point { x: middle.x + shift, ..middle };
            let is_taken = takes(&index);
            let class = if is_taken {
                " taken"
            } else if edge.is_usual {
                ""
            } else {
                " unusual"
            };
            let marker = if is_taken { "tip-taken" } else { "tip" };
            let hooks = traffic.map_or(&[][..], |traffic| &traffic.edges[index]);
            let _ = writeln!(
                text,
                "<path class=\"edge{class}\" d=\"{curve}\" marker-end=\"url(#{marker})\" data-from=\"{}\" data-to=\"{}\"{}/>",
                edge.from,
                edge.to,
                data(hooks)
            );
            if !hooks.is_empty() {
                pill(&mut labels, middle, &numbers(hooks), "number", hooks);
            }
        }
        for (local, node) in self.shown.nodes.iter().enumerate() {
            self.write_node(text, &mut labels, local, *node, at(&self.layout.nodes[local]));
        }
        self.write_strays(text, &mut labels, &at);
        text.push_str(&labels);
        text.push_str("</g>\n");
    }

    fn write_node(&self, text: &mut String, labels: &mut String, local: usize, node: usize, centre: Point) {
        let shown = &self.cluster.nodes[node];
        let Size { width, height } = self.sizes[local];
        let traffic = self.path.and_then(|path| path.traffic.get(self.index));
        let hooks = traffic.map_or(&[][..], |traffic| &traffic.nodes[node]);
        let failed = traffic.map_or(&[][..], |traffic| &traffic.failed[node]);
        let kind = match shown.place {
            Place::Hook(_, _) | Place::Action(_) => "hook",
            Place::Begin if shown.label.is_empty() => "begin",
            Place::Error => "error",
            Place::Begin | Place::Idle | Place::Dying(_) | Place::Down | Place::Gone | Place::AnyHook => {
                "state"
            }
        };
        let radius = if kind == "hook" { 4.0 } else { height / 2.0 };
        let visited = if hooks.is_empty() { "" } else { " visited" };
        let _ = writeln!(
            text,
            "<g class=\"node {kind}{visited}\" data-node=\"{node}\"{}><title>{}</title>\
             <rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>\
             <text x=\"{}\" y=\"{}\">{}</text></g>",
            data(hooks),
            escaped(&if shown.hooks.is_empty() { shown.label.clone() } else { shown.hooks.join(", ") }),
            number(centre.x - width / 2.0),
            number(centre.y - height / 2.0),
            number(width),
            number(height),
            number(radius),
            number(centre.x),
            number(centre.y + 4.0),
            escaped(&shown.label)
        );
        let right = Point { x: centre.x + width / 2.0, y: centre.y - height / 2.0 };
        if self.cluster.subject == Subject::Actions && !hooks.is_empty() {
            pill(labels, right, &numbers(hooks), "number", hooks);
        }
        if !failed.is_empty() {
            let words = format!("failed {}", numbers(failed));
            pill(labels, Point { y: right.y + height, ..right }, &words, "failed", failed);
        }
    }

    /// Draws what is not allowed: from where the sequence was to where it says to be.
    fn write_strays(&self, text: &mut String, labels: &mut String, at: &impl Fn(&Point) -> Point) {
        let strays = self.path.iter().flat_map(|path| &path.strays);
        for stray in strays.filter(|stray| stray.cluster == Some(self.index)) {
            let place = |node: Option<usize>| {
                let local = self.shown.nodes.iter().position(|known| Some(*known) == node)?;
                Some((at(&self.layout.nodes[local]), self.sizes[local]))
            };
            let Some((to, to_size)) = place(stray.to) else { continue };
            let (from, from_size) = place(stray.from).unwrap_or((to, to_size));
            // Around the left side, or below nodes that are side by side.
            let is_beside = (from.y - to.y).abs() < NODE_HEIGHT && stray.from != stray.to;
            let (start, end, way) = if is_beside {
                let (start, end) = (from.y + from_size.height / 2.0, to.y + to_size.height / 2.0);
                let below = Point { x: 0.0, y: 34.0 };
                (Point { x: from.x, y: start }, Point { x: to.x, y: end }, below)
            } else {
                let (start, end) = (from.x - from_size.width / 2.0, to.x - to_size.width / 2.0);
                let left = start.min(end) - 30.0 - (from.y - to.y).abs() * 0.3;
                let left = Point { x: left.max(6.0), y: 0.0 };
                (Point { x: start, y: from.y }, Point { x: end, y: to.y }, left)
            };
            let control = |point: Point| {
                if is_beside { Point { y: point.y + way.y, ..point } } else { Point { x: way.x, ..point } }
            };
            let (out, back) = (control(start), control(end));
            let _ = writeln!(
                text,
                "<path class=\"edge stray\" d=\"M{} {}C{} {} {} {} {} {}\" marker-end=\"url(#tip-stray)\" data-n=\"{}\"><title>{}</title></path>",
                number(start.x),
                number(start.y),
                number(out.x),
                number(out.y),
                number(back.x),
                number(back.y),
                number(end.x),
                number(end.y),
                stray.number,
                escaped(&stray.reason)
            );
            let middle = if is_beside {
                Point { x: end.x + 12.0, y: end.y + 10.0 }
            } else {
                Point { x: end.x - 12.0, y: end.y - 9.0 }
            };
            pill(labels, middle, &stray.number.to_string(), "stray-number", &[stray.number]);
        }
    }

    /// Returns the edge of a node to itself, and the place of its label.
    fn loop_at(&self, at: &impl Fn(&Point) -> Point, node: usize) -> (String, Point) {
        let local = self.shown.nodes.iter().position(|known| *known == node).unwrap_or_default();
        let centre = at(&self.layout.nodes[local]);
        let x = centre.x + self.sizes[local].width / 2.0;
        let curve = format!(
            "M{} {}C{} {} {} {} {} {}",
            number(x),
            number(centre.y - 6.0),
            number(x + LOOP_WIDTH),
            number(centre.y - 18.0),
            number(x + LOOP_WIDTH),
            number(centre.y + 18.0),
            number(x),
            number(centre.y + 6.0)
        );
        (curve, Point { x: x + LOOP_WIDTH * 0.75, y: centre.y })
    }
}

/// Returns how large a node of a label is.
fn size(label: &str) -> Size {
    if label.is_empty() {
        return Size { width: 14.0, height: 14.0 };
    }
    Size { width: label.chars().count() as f64 * LETTER + 20.0, height: NODE_HEIGHT }
}

/// Places nodes in two columns.
fn list(sizes: &[Size]) -> Layout {
    let column = sizes.iter().map(|size| size.width).fold(0.0, f64::max);
    let columns = if sizes.len() > 3 { 2 } else { 1 };
    let place = |index: usize| Point {
        x: (index % columns) as f64 * (column + CARD_GAP) + column / 2.0,
        y: (index / columns) as f64 * (NODE_HEIGHT + 12.0) + NODE_HEIGHT / 2.0,
    };
    Layout {
        width: columns as f64 * (column + CARD_GAP) - CARD_GAP,
        height: sizes.len().div_ceil(columns) as f64 * (NODE_HEIGHT + 12.0) - 12.0,
        nodes: (0..sizes.len()).map(place).collect(),
        edges: Vec::new(),
    }
}

/// Places the cards: the unit at the left, the rest in columns that are about as high.
fn arrange(cards: &[Card<'_>]) -> (Vec<Point>, f64, f64) {
    let sizes: Vec<Size> = cards.iter().map(Card::size).collect();
    let most = sizes.first().map_or(0.0, |size| size.height).max(700.0);
    let mut places = Vec::new();
    let (mut x, mut y, mut column, mut height) = (CARD_GAP, 0.0, 0.0_f64, 0.0_f64);
    for (index, size) in sizes.iter().enumerate() {
        if index == 1 || y + size.height > most {
            x += if index == 0 { 0.0 } else { column + CARD_GAP };
            (y, column) = (0.0, 0.0);
        }
        places.push(Point { x, y });
        y += size.height + CARD_GAP;
        column = column.max(size.width);
        height = height.max(y);
    }
    (places, x + column + CARD_GAP, height)
}

/// Returns a smooth line through the points, which leaves and reaches nodes straight.
fn curve(points: &[Point]) -> String {
    let mut text = String::new();
    for (index, point) in points.iter().enumerate() {
        if index == 0 {
            let _ = write!(text, "M{} {}", number(point.x), number(point.y));
            continue;
        }
        let before = points[index - 1];
        let middle = f64::midpoint(before.y, point.y);
        let _ = write!(
            text,
            "C{} {} {} {} {} {}",
            number(before.x),
            number(middle),
            number(point.x),
            number(middle),
            number(point.x),
            number(point.y)
        );
    }
    text
}

/// Returns where the label of an edge is: near its tip, so that those of both directions
/// have room.
fn label_place(points: &[Point]) -> Point {
    let [.., before, last] = points else { return Point { x: 0.0, y: 0.0 } };
    // A point of the last curve.
    let (t, u) = (0.62_f64, 0.38_f64);
    let ease = t * t * t + 3.0 * t * t * u;
    let middle = f64::midpoint(before.y, last.y);
    let y = u.powi(3) * before.y + 3.0 * u * t * middle + t.powi(3) * last.y;
    Point { x: before.x + (last.x - before.x) * ease, y }
}

/// Writes a label on a small plate.
fn pill(text: &mut String, centre: Point, words: &str, class: &str, hooks: &[usize]) {
    let width = words.chars().count() as f64 * 6.1 + 8.0;
    let _ = writeln!(
        text,
        "<g class=\"pill {class}\"{}><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"14\" rx=\"7\"/><text x=\"{}\" y=\"{}\">{}</text></g>",
        data(hooks),
        number(centre.x - width / 2.0),
        number(centre.y - 7.0),
        number(width),
        number(centre.x),
        number(centre.y + 3.5),
        escaped(words)
    );
}

/// Returns the attribute that names the hooks of a path.
fn data(hooks: &[usize]) -> String {
    if hooks.is_empty() {
        return String::new();
    }
    let hooks: Vec<String> = hooks.iter().map(ToString::to_string).collect();
    format!(" data-n=\"{}\"", hooks.join(" "))
}

/// Writes a number with one digit behind the point, if it needs one.
fn number(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // There is no negative nothing.
    format!("{}", rounded + 0.0)
}

/// Writes text so that XML takes it for nothing else, and leaves out what it cannot hold.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}
