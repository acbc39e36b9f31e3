//! A graph as Mermaid, which many pages draw by themselves.

use std::fmt::Write as _;

use super::path::numbers;
use super::shown::Shown;
use super::svg::title;
use super::{Graph, Node, Part, Path, Place, Traffic};

/// Writes the graph, with a path on it if there is one; all of it, or what is usual.
pub fn write(graph: &Graph, path: Option<&Path>, is_all: bool) -> String {
    let mut text = format!("---\ntitle: {}\n---\nflowchart TB\n", title(graph));
    // Mermaid styles edges by their number in the whole text.
    let mut edges = 0;
    let (mut taken, mut strays) = (Vec::new(), Vec::new());
    let mut visited = Vec::new();
    for (index, cluster) in graph.clusters.iter().enumerate() {
        let traffic = path.and_then(|path| path.traffic.get(index));
        let id = |node: usize| format!("c{index}_{}", word(&cluster.nodes[node]));
        let _ = writeln!(text, "  subgraph c{index} [\"{}\"]\n    direction TB", quoted(&cluster.title));
        let shown = Shown::of(cluster, index, path, is_all);
        for number in shown.nodes {
            let node = &cluster.nodes[number];
            let _ = writeln!(text, "    {}{}", id(number), shape(node, traffic, number));
            if traffic.is_some_and(|traffic| !traffic.nodes[number].is_empty()) {
                visited.push(id(number));
            }
        }
        for number in shown.edges {
            let edge = &cluster.edges[number];
            let numbers = traffic.map_or(String::new(), |traffic| numbers(&traffic.edges[number]));
            let label = if numbers.is_empty() { String::new() } else { format!("|\"{numbers}\"|") };
            let arrow = if edge.is_usual { "-->" } else { "-.->" };
            let _ = writeln!(text, "    {} {arrow}{label} {}", id(edge.from), id(edge.to));
            if traffic.is_some_and(|traffic| traffic.takes(number)) {
                taken.push(edges.to_string());
            }
            edges += 1;
        }
        for stray in path.iter().flat_map(|path| &path.strays).filter(|stray| stray.cluster == Some(index)) {
            if let (Some(from), Some(to)) = (stray.from, stray.to) {
                let _ =
                    writeln!(text, "    {} -. \"{}: not allowed\" .-> {}", id(from), stray.number, id(to));
                strays.push(edges.to_string());
                edges += 1;
            }
        }
        text.push_str("  end\n");
    }
    if !visited.is_empty() {
        let _ = writeln!(text, "  classDef visited stroke:#0b63c5,stroke-width:3px");
        let _ = writeln!(text, "  class {} visited", visited.join(","));
    }
    if !taken.is_empty() {
        let _ = writeln!(text, "  linkStyle {} stroke:#0b63c5,stroke-width:3px", taken.join(","));
    }
    if !strays.is_empty() {
        let _ = writeln!(text, "  linkStyle {} stroke:#c5221f,stroke-width:3px", strays.join(","));
    }
    text
}

/// Returns a word for the id of a node.
fn word(node: &Node) -> String {
    let word = match &node.place {
        Place::Begin => "begin".to_owned(),
        Place::Hook(part, kind) => {
            let part = match part {
                Part::Setup => "setup_",
                Part::Operation | Part::Teardown => "",
            };
            format!("{part}{}", kind.suffix())
        }
        Place::Action(name) => format!("action_{name}"),
        Place::Idle => "in_operation".to_owned(),
        Place::Dying(Part::Setup) => "setup_being_removed".to_owned(),
        Place::Dying(Part::Operation) => "being_removed".to_owned(),
        Place::Dying(Part::Teardown) => "stopped_being_removed".to_owned(),
        Place::Down => "no_pod".to_owned(),
        Place::Gone => "gone".to_owned(),
        Place::AnyHook => "any_hook".to_owned(),
        Place::Error => "error".to_owned(),
    };
    word.replace(|character: char| !character.is_ascii_alphanumeric(), "_")
}

fn shape(node: &Node, traffic: Option<&Traffic>, number: usize) -> String {
    let failed = traffic.map_or(0, |traffic| traffic.failed[number].len());
    let failed = if failed == 0 { String::new() } else { format!("<br/>failed ×{failed}") };
    let label = quoted(&node.label) + &failed;
    match node.place {
        Place::Begin if node.label.is_empty() => "((\" \"))".to_owned(),
        Place::Hook(_, _) | Place::Action(_) => format!("[\"{label}\"]"),
        Place::Begin
        | Place::Idle
        | Place::Dying(_)
        | Place::Down
        | Place::Gone
        | Place::AnyHook
        | Place::Error => {
            format!("([\"{label}\"])")
        }
    }
}

/// Names of Juju have nothing that Mermaid would misread, and interfaces are anybody's.
fn quoted(text: &str) -> String {
    text.chars()
        .map(
            |character| if matches!(character, '"' | '<' | '>' | '&' | '#' | ';') { '\'' } else { character },
        )
        .collect()
}
