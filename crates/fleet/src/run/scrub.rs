//! Takes the place of a run out of what the run said.
//!
//! A slot's place says nothing to anybody, and differs between the two sides.

use std::sync::LazyLock;

use camino::Utf8Path;
use regex::Regex;

/// Where a unit ran.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scrub<'a> {
    /// The charm in its copy.
    pub(super) charm_dir: &'a Utf8Path,
    /// The slot around it.
    pub(super) slot: &'a Utf8Path,
}

impl Scrub<'_> {
    /// Returns a text of the suite without places. Nothing else is changed: names of cases
    /// that differ must go on to differ.
    pub(super) fn text(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.charm_dir), "")
            .replace(self.charm_dir.as_str(), ".")
            .replace(self.slot.as_str(), "$SLOT")
    }

    /// Returns the name of a case without places. pytest counts its names from the nearest folder with
    /// settings, which is above the slot where the sandbox could not hide those.
    pub(super) fn case(&self, name: &str) -> String {
        let name = self.text(name);
        let above = self.slot.ancestors().skip(1);
        let mut inside = above
            .filter_map(|above| name.strip_prefix(self.charm_dir.strip_prefix(above).ok()?.as_str()))
            .filter_map(|rest| rest.strip_prefix('/'));
        inside.next().map(str::to_owned).unwrap_or(name)
    }

    /// Returns a log without places, and without what only charmproof put there.
    pub(super) fn log(&self, text: &str) -> String {
        static SWAP: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"\S+ __swap --unit \S+ --prefix (\S+)").expect("the pattern is right")
        });
        static JUNIT: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\$SLOT/junit-\d+\.xml").expect("the pattern is right"));
        let text = self.text(text);
        let text = SWAP.replace_all(&text, "(charmproof swaps in $1)");
        JUNIT.replace_all(&text, "$$SLOT/junit.xml").into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Scrub<'static> {
        Scrub { charm_dir: Utf8Path::new("/w/s/1/r/charm"), slot: Utf8Path::new("/w/s/1") }
    }

    #[test]
    fn what_charmproof_put_into_a_log_is_not_shown() {
        for (line, expected) in [
            (
                "unit: commands_pre[0]> /x/charmproof __swap --unit /w/s/1/inside/unit.json --prefix .tox/unit",
                "unit: commands_pre[0]> (charmproof swaps in .tox/unit)",
            ),
            ("generated xml file: /w/s/1/junit-23.xml", "generated xml file: $SLOT/junit.xml"),
            ("at /w/s/1/r/charm/src/charm.py in /w/s/1/r/charm", "at src/charm.py in ."),
            // The charm's own report is its own.
            ("/w/s/1/r/charm/junit-3.xml", "junit-3.xml"),
        ] {
            assert_eq!(place().log(line), expected);
        }
    }

    #[test]
    fn a_case_is_named_from_its_charm_wherever_pytest_counts_from() {
        for name in ["tests/unit/test_it.py::test_x", "s/1/r/charm/tests/unit/test_it.py::test_x"] {
            assert_eq!(place().case(name), "tests/unit/test_it.py::test_x");
        }
        assert_eq!(place().case("w/s/1/r/charm/tests/test_it.py::t"), "tests/test_it.py::t");
        // The folder of another test is no place of a run.
        assert_eq!(place().case("s/1/r/charms/test_it.py::t"), "s/1/r/charms/test_it.py::t");
    }

    #[test]
    fn cases_that_differ_go_on_to_differ() {
        assert_ne!(place().text("test_report[junit-1.xml]"), place().text("test_report[junit-2.xml]"));
    }
}
