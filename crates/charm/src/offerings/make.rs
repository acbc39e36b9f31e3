//! The targets of a Makefile.

use std::collections::BTreeSet;

/// The targets of a Makefile that can be run by name. Special targets,
/// patterns and computed names are left out; includes are not followed.
pub fn make_targets(text: &str) -> BTreeSet<String> {
    let mut targets = BTreeSet::new();
    let mut in_define = false;
    let mut continues = false;
    for line in text.lines() {
        let is_continuation = std::mem::replace(&mut continues, line.ends_with('\\'));
        let word = line.split_whitespace().next().unwrap_or("");
        match word {
            "define" => in_define = true,
            "endef" => {
                in_define = false;
                continue;
            }
            _ => {}
        }
        if in_define || is_continuation || line.starts_with(['\t', '#']) {
            continue;
        }
        let header = line.split('#').next().unwrap_or(line);
        let Some((names, rest)) = split_rule(header) else {
            continue;
        };
        let is_assignment = rest.starts_with('=') || names.contains('=') || is_scoped_assignment(rest);
        let is_directive = matches!(
            word,
            "export"
                | "unexport"
                | "override"
                | "include"
                | "-include"
                | "sinclude"
                | "ifeq"
                | "ifneq"
                | "ifdef"
                | "ifndef"
                | "else"
                | "endif"
                | "vpath"
                | "private"
        );
        if is_assignment || is_directive {
            continue;
        }
        for name in names.split_whitespace() {
            let is_plain = !name.starts_with('.')
                && !name.starts_with('-')
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+'));
            if is_plain {
                targets.insert(name.to_owned());
            }
        }
    }
    targets
}

/// Splits at the colon of a rule, past those in `$(…)`.
fn split_rule(header: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, character) in header.char_indices() {
        match character {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                let rest = header[at + 1..].trim_start_matches(':');
                return Some((&header[..at], rest));
            }
            _ => {}
        }
    }
    None
}

/// Whether what follows the colon sets a variable: `unit: PYTHON = python3`.
fn is_scoped_assignment(rest: &str) -> bool {
    let Some((before, _)) = rest.split_once('=') else {
        return false;
    };
    let name = before.trim().trim_end_matches([':', '?', '+', '!']).trim();
    let name = name.strip_prefix("export ").unwrap_or(name);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(make_targets(text).into_iter().collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn targets() {
        check("lint: deps ## help\n\ttox -e lint\nunit test:\n\tpytest a:b\n", &["lint", "test", "unit"]);
        check("double:: x\n", &["double"]);
    }

    #[test]
    fn what_is_no_target() {
        check(".PHONY: lint\n%.o: %.c\n$(BIN): x\n", &[]);
        check("A := b:c\nB ::= d\nC = e:f\nD ?= x\nunit: X = y\nunit: export Z := y\n", &[]);
        check("define x\nunit:\nendef\n# lint:\ninclude a:b\nifeq (a:b,c)\nA = \\\n  unit: x\n", &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), close in "(a|:|=|\\$\\(|\\)|define|endef|\n|\t|#|\\\\| ){0,30}") {
            let _ = make_targets(&text);
            let _ = make_targets(&close);
        }
    }
}
