//! The form of unit files: sections, assignments, comments and lines that go on.
//!
//! What the assignments mean is read in `config`.

/// One assignment of a unit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub section: String,
    pub key: String,
    pub value: String,
}

/// What a unit file and its drop-ins say, in their order, and what could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UnitText {
    pub assignments: Vec<Assignment>,
    pub notes: Vec<String>,
}

impl UnitText {
    /// Adds another file's text.
    pub(crate) fn extend(&mut self, other: Self) {
        self.assignments.extend(other.assignments);
        self.notes.extend(other.notes);
    }

    /// The values of a key. An empty value takes back all before it, as systemd's lists do.
    pub(crate) fn values(&self, section: &str, key: &str) -> Vec<&str> {
        let mut values = Vec::new();
        for assignment in &self.assignments {
            if assignment.section == section && assignment.key == key {
                match assignment.value.as_str() {
                    "" => values.clear(),
                    value => values.push(value),
                }
            }
        }
        values
    }

    /// The last value of a key.
    pub(crate) fn value(&self, section: &str, key: &str) -> Option<&str> {
        self.values(section, key).last().copied()
    }
}

/// Reads a unit file. Lines that are no assignment are noted and passed over, as systemd does.
pub(crate) fn parse(text: &str) -> UnitText {
    let mut unit = UnitText::default();
    let mut section = String::new();
    let mut going_on: Option<String> = None;
    // The end of the text ends a line that goes on.
    let lines = text.lines().map(Some).chain([None]);
    for (line, number) in lines.zip(1..) {
        let is_end = line.is_none();
        let line = line.unwrap_or("").trim();
        // A comment inside of a line that goes on is no part of it.
        if line.starts_with(['#', ';']) {
            continue;
        }
        let line = match going_on.take() {
            Some(before) if line.is_empty() => before,
            Some(before) => format!("{before} {line}"),
            None => line.to_owned(),
        };
        if let Some(begin) = line.strip_suffix('\\').filter(|_| !is_end) {
            going_on = Some(begin.trim_end().to_owned());
            continue;
        }
        if line.is_empty() {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=') {
            if section.is_empty() {
                unit.notes.push(format!("line {number}: Assignment outside of section. Ignoring."));
                continue;
            }
            unit.assignments.push(Assignment {
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().trim_end_matches('\\').trim_end().to_owned(),
            });
        } else {
            unit.notes.push(format!("line {number}: Missing '=', ignoring line."));
        }
    }
    unit
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_unit_file_is_read_as_systemd_reads_it() {
        let unit = parse(
            "stray=1\n\
             # comment\n\
             [Unit]\n\
             Description = A service \n\
             nonsense\n\
             [Service]\n\
             ExecStart=/bin/one \\\n\
             # about two\n\
               --two \\\n\
               three\n\
             Environment=A=1\n\
             Environment=\n\
             Environment=B=2\n",
        );
        assert_eq!(unit.value("Unit", "Description"), Some("A service"));
        assert_eq!(unit.value("Service", "ExecStart"), Some("/bin/one --two three"));
        assert_eq!(unit.values("Service", "Environment"), ["B=2"]);
        assert_eq!(
            unit.notes,
            ["line 1: Assignment outside of section. Ignoring.", "line 5: Missing '=', ignoring line."]
        );
    }

    #[test]
    fn a_file_may_end_in_the_middle_of_a_line() {
        assert_eq!(parse("[Service]\nExecStart=/bin/a \\").value("Service", "ExecStart"), Some("/bin/a"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\[[A-Z][a-z]*\\]\n|[A-Za-z=\\\\#; ]{0,12}\n|\\PC{0,20}\n){0,12}") {
            for assignment in parse(&text).assignments {
                prop_assert!(!assignment.section.is_empty());
                prop_assert!(!assignment.value.ends_with('\\'));
            }
        }
    }
}
