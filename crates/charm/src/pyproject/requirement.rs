//! The names in requirement lines.

use crate::names::PackageName;

/// The distribution that a requirement names: `ops[testing]>=2 ; marker`,
/// `ops @ git+https://…`, `-e git+https://…#egg=ops`, a wheel's URL. Nothing
/// for options, other files, and URLs that do not tell.
pub fn requirement_name(requirement: &str) -> Option<PackageName> {
    let text = requirement.trim();
    let text = ["-e ", "--editable ", "--editable="]
        .iter()
        .find_map(|flag| text.strip_prefix(flag))
        .unwrap_or(text)
        .trim();
    if let Some((_, egg)) = text.split_once("#egg=").or_else(|| text.split_once("&egg=")) {
        return leading_name(egg);
    }
    let end = text.find(|c: char| !is_name_character(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    // A path or a bare URL: the file's name tells, if it is a wheel's.
    if name.is_empty() || rest.starts_with([':', '/', '\\', '+']) {
        let file = text.split(['?', '#']).next().unwrap_or(text).rsplit('/').next()?;
        let is_wheel = file.rsplit_once('.').is_some_and(|(_, extension)| extension == "whl");
        return is_wheel.then(|| leading_name(file.split('-').next()?)).flatten();
    }
    let goes_on =
        rest.is_empty() || rest.starts_with(['[', '(', '<', '>', '=', '!', '~', ';', '@', '#', ',', '^']);
    if goes_on { leading_name(name) } else { None }
}

fn leading_name(text: &str) -> Option<PackageName> {
    let end = text.find(|c: char| !is_name_character(c)).unwrap_or(text.len());
    let name = text[..end].trim_end_matches(['-', '_', '.']);
    let fine = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    fine.then(|| PackageName::new(name))
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(requirement: &str, expected: Option<&str>) {
        let name = requirement_name(requirement);
        assert_eq!(name.as_ref().map(PackageName::as_str), expected, "{requirement}");
    }

    #[test]
    fn requirements_name_their_package() {
        check("ops", Some("ops"));
        check("  Ops_Scenario >= 7 , < 8", Some("ops-scenario"));
        check("ops[testing,tracing]~=2.19 ; python_version > '3.8'", Some("ops"));
        check("ops @ git+https://github.com/canonical/operator@main", Some("ops"));
        check("-e git+https://github.com/canonical/operator#egg=ops&subdirectory=x", Some("ops"));
        check(
            "git+https://github.com/canonical/operator#subdirectory=testing&egg=ops-scenario",
            Some("ops-scenario"),
        );
        check("https://example.org/ops-2.0-py3-none-any.whl", Some("ops"));
        check("ops==2.17.0 --hash=sha256:ab", Some("ops"));
        check("ops # comment", Some("ops"));
        check("ops<3", Some("ops"));
    }

    #[test]
    fn other_lines_name_nothing() {
        for line in [
            "",
            "-r requirements.txt",
            "--index-url https://x",
            ".",
            "./lib",
            "# ops",
            "git+https://github.com/canonical/operator",
            "{[testenv]deps}",
            "several words here",
        ] {
            check(line, None);
        }
    }

    proptest! {
        #[test]
        fn any_text_names_one_or_none(text in any::<String>(), close in "(ops|@|-e |#egg=|/|:|\\.whl|-| |é|\\[){0,12}") {
            let _ = requirement_name(&text);
            let _ = requirement_name(&close);
        }

        #[test]
        fn a_name_alone_names_itself(name in "[a-z0-9]([a-z0-9._-]{0,10}[a-z0-9])?") {
            prop_assert_eq!(requirement_name(&name), Some(PackageName::new(&name)));
        }
    }
}
