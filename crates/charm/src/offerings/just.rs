//! The recipes of a justfile.

use std::collections::BTreeSet;

/// The names of the recipes and aliases of a justfile that can be run by
/// name. Imports and modules are not followed; private recipes are left out.
pub fn just_recipes(text: &str) -> BTreeSet<String> {
    headers(text).into_iter().map(|(name, _)| name).collect()
}

/// The names of those recipes of a justfile that take arguments.
pub fn just_recipes_with_parameters(text: &str) -> BTreeSet<String> {
    headers(text).into_iter().filter(|(_, has_parameters)| *has_parameters).map(|(name, _)| name).collect()
}

/// What can be run by name, and whether it takes arguments.
fn headers(text: &str) -> Vec<(String, bool)> {
    let mut names = Vec::new();
    let mut is_private = false;
    for line in text.lines() {
        if line.is_empty() || line.starts_with([' ', '\t', '#']) {
            continue;
        }
        if let Some(attributes) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            is_private |= attributes.split(',').any(|attribute| attribute.trim() == "private");
            continue;
        }
        if let Some((name, has_parameters)) = recipe_or_alias(line)
            && !is_private
            && !name.starts_with('_')
        {
            names.push((name.to_owned(), has_parameters));
        }
        is_private = false;
    }
    names
}

fn recipe_or_alias(line: &str) -> Option<(&str, bool)> {
    let line = line.strip_prefix('@').unwrap_or(line);
    let end =
        line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    if word == "alias"
        && let Some((name, _)) = rest.split_once(":=")
    {
        let name = name.trim();
        return is_name(name).then_some((name, false));
    }
    let is_statement = matches!(word, "set" | "export" | "import" | "mod" | "unexport");
    if !is_name(word) || (is_statement && !rest.trim_start().starts_with(':')) {
        return None;
    }
    // The colon that ends the header, not one in the default of a parameter.
    let mut quote = None;
    let mut characters = rest.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        match quote {
            Some(open) if character == open => quote = None,
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None if character == ':' => {
                let is_value = matches!(characters.peek(), Some((_, '=')));
                return (!is_value).then_some((word, !rest[..place].trim().is_empty()));
            }
            _ => {}
        }
    }
    None
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(just_recipes(text).into_iter().collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn recipes_and_aliases() {
        check(
            "set shell := ['bash']\nversion := '1'\nexport A := 'b'\nalias t := test\n\n# doc\ntest *args: build\n    pytest {{args}}\nbuild:\n",
            &["build", "t", "test"],
        );
        check("@quiet:\n", &["quiet"]);
        check("unit $X='a:b' y=\"c\": dep && after\n", &["unit"]);
        check("[private]\nhidden:\n[group('x')]\nshown:\n_too:\n", &["shown"]);
        check("[doc('x')] [private]\n", &[]);
        check("import 'x.just'\nmod sub\nmod? other 'x:y'\n", &[]);
    }

    #[test]
    fn recipes_that_take_arguments() {
        let text = "test *args: build\n    pytest {{args}}\nbuild:\nunit $X='a:b': dep\nx := 'y'\n";
        let found = just_recipes_with_parameters(text);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["test", "unit"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), close in "(alias |a|:=|:|\\[private\\]|\n|'|@| ){0,30}") {
            let _ = just_recipes(&text);
            let _ = just_recipes(&close);
        }
    }
}
