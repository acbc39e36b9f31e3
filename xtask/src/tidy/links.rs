//! Relative links in Markdown files lead to files that are there.

use super::Problem;
use super::tree::{Tree, folder_of, join};

/// Checks every relative link of every Markdown file, and the headings they name.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.ending(".md") {
        for (target, line) in links(text) {
            if let Some(message) = fault(tree, path, target) {
                problems.push(Problem::at(path, line, message));
            }
        }
    }
    problems
}

/// Returns what is wrong with a link of the file at `path`.
fn fault(tree: &Tree, path: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") || target.starts_with('<') {
        return None;
    }
    let (file, heading) = match target.split_once('#') {
        Some((file, heading)) => (file, Some(heading)),
        None => (target, None),
    };
    let there = if file.is_empty() {
        path.to_owned()
    } else {
        match join(folder_of(path), file) {
            Some(there) if tree.has(&there) => there,
            _ => return Some(format!("there is no `{file}`")),
        }
    };
    let heading = heading?;
    let (_, text) = tree.ending(".md").find(|(path, _)| *path == there)?;
    let is_there = prose(text).any(|(line, _)| slug(line).as_deref() == Some(heading));
    (!is_there).then(|| format!("`{there}` has no heading `#{heading}`"))
}

/// Returns the lines outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut is_code = false;
    text.lines().zip(1..).filter(move |(line, _)| {
        let is_fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Returns the targets of all links, with their lines.
fn links(text: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    for (line, number) in prose(text) {
        // What stands between backticks is no link: every second piece.
        let mut rest = line;
        let mut is_code = false;
        while !rest.is_empty() {
            let (piece, after) = rest.split_once('`').unwrap_or((rest, ""));
            // A link's text may be code, so its target is what follows the backtick.
            if !is_code {
                let targets = piece.split("](").skip(1);
                found.extend(targets.filter_map(|part| Some((target(part)?, number))));
            }
            is_code = !is_code;
            rest = after;
        }
        // `[name]: target`
        if let Some((name, after)) = line.trim_start().split_once("]: ")
            && name.starts_with('[')
            && !name.starts_with("[^")
            && let Some(target) = after.split_whitespace().next()
        {
            found.push((target, number));
        }
    }
    found
}

/// Returns the target at the start of what follows `](`, without a title.
fn target(part: &str) -> Option<&str> {
    let (inside, _) = part.split_once(')')?;
    inside.split_whitespace().next()
}

/// Returns the anchor of a heading, as code hosts make it.
fn slug(line: &str) -> Option<String> {
    let title = line.trim_start_matches('#');
    if title.len() == line.len() || !title.starts_with(' ') {
        return None;
    }
    let kept = title.trim().to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    Some(kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect())
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let index = "# The index\n\
            [a](how-to/a.md), [`b`](../b.md \"title\"), [c](#the-index), [d](how-to/), \
            [e](https://example.com/x.md), [f](how-to/a.md#how-to-run-it)\n\
            `[no](link.md)`\n\
            ```\n[no](link.md)\n```\n\
            [ref]: how-to/a.md\n";
        assert_says(
            check,
            &[("docs/index.md", index), ("docs/how-to/a.md", "## How to `run` it?\n"), ("b.md", "")],
            &[],
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_told() {
        let index = "# Index\n\n[a](a.md)\n[b](../../b.md), [`c`](#inde)\n[d]: d.md\n";
        assert_says(
            check,
            &[("docs/index.md", index)],
            &[
                "docs/index.md:3: there is no `a.md`",
                "docs/index.md:4: `docs/index.md` has no heading `#inde`",
                "docs/index.md:4: there is no `../../b.md`",
                "docs/index.md:5: there is no `d.md`",
            ],
        );
    }
}
