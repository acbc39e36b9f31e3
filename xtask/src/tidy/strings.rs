//! Nothing names the machine that it was written on, nor the hosts of package indexes.
//!
//! A path of one machine helps nobody on another. The hosts of package indexes differ
//! between networks: what needs one asks the tool that has it configured.

use super::Problem;
use super::tree::Tree;

/// What may not be named, in pieces so that this file is not told on.
const FORBIDDEN: [[&str; 2]; 11] = [
    ["py", "pi.org"],
    ["crates", ".io/"],
    ["files.python", "hosted"],
    ["registry.", "npmjs"],
    ["deb.", "debian.org"],
    ["/work/", "main"],
    ["/work/", "shared"],
    ["shared/", "reference"],
    ["shared/", "design"],
    ["/opt/", "wheels"],
    ["/root/", "."],
];

/// Checks every text file except lock files, which record what they were given.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let forbidden = FORBIDDEN.map(|pieces| pieces.concat());
    let mut problems = Vec::new();
    let is_lock = |path: &str| path.rsplit_once('.').is_some_and(|(_, ending)| ending == "lock");
    for (path, text) in tree.texts().filter(|(path, _)| !is_lock(path)) {
        for (line, number) in text.lines().zip(1..) {
            for word in forbidden.iter().filter(|word| line.contains(word.as_str())) {
                problems.push(Problem::at(path, number, format!("names `{word}`")));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::assert_says;
    use super::*;

    #[test]
    fn hosts_and_paths_are_told_outside_of_locks() {
        let host = FORBIDDEN[0].concat();
        let text = format!("a\nsee https://{host}/simple\n");
        assert_says(
            check,
            &[("README.md", &text), ("uv.lock", &text), ("b.md", "https://example.com\n")],
            &[&format!("README.md:2: names `{host}`")],
        );
    }
}
