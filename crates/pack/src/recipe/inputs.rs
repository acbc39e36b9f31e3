//! What has to be there for a charm to be packed: a file that is named and missing would make a charm
//! without its packages.

use camino::Utf8Path;
use charmproof_charm::Tree;
use charmproof_charm::yaml;

use super::{CHARMCRAFT, Plugin, Recipe, RecipeError, invalid, placed};

/// Refuses a name that no charm can have, and parts whose plugin would not find what it installs from. A
/// script may make such a file first.
pub(super) fn check(recipe: &Recipe, tree: &dyn Tree) -> Result<(), RecipeError> {
    let file = Utf8Path::new(CHARMCRAFT);
    let text = tree.read(file).ok_or(RecipeError::Missing)?;
    let (root, _) = yaml::parse(file, &text)?;
    if let Some(node) = root.get("name").filter(|_| !is_name(&recipe.name)) {
        let name = &recipe.name;
        return Err(invalid(
            node,
            format!(
                "`name` is `{name}`; it has to be lower-case letters, digits and single hyphens between them, \
                 with at least one letter"
            ),
        ));
    }
    for part in recipe.parts.iter().filter(|part| part.script.is_none()) {
        let Some(entry) = root.get("parts").and_then(|parts| parts.entry(&part.name)) else { continue };
        let has =
            |file: &str| tree.has(&placed(&part.source, file)) || tree.has(&placed(Utf8Path::new(""), file));
        if let Plugin::Python { name: plugin @ ("uv" | "poetry"), .. } = part.plugin
            && !has("pyproject.toml")
        {
            return Err(RecipeError::Invalid {
                line: entry.place.line,
                what: format!(
                    "the part `{}` is built by the plugin `{plugin}`, and there is no pyproject.toml",
                    part.name
                ),
            });
        }
        for key in ["charm-requirements", "python-requirements"] {
            let Some(node) = entry.value.get(key) else { continue };
            if let Some(missing) = node.texts().into_iter().find(|file| !has(file)) {
                return Err(invalid(
                    node,
                    format!(
                        "`{key}` of the part `{}` names `{missing}`, and there is no such file",
                        part.name
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Whether charmcraft takes it for a name.
fn is_name(name: &str) -> bool {
    let is_fine = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
    name.chars().all(is_fine)
        && name.contains(|character: char| character.is_ascii_lowercase())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}
