//! All recipes, and which of them stands in for what.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::Recipe;
use crate::error::ImageError;
use crate::reference::Reference;

/// The recipes that charmproof brings.
const BUILT_IN: [&str; 4] = [
    include_str!("../../recipes/api-demo-server.toml"),
    include_str!("../../recipes/httpbin.toml"),
    include_str!("../../recipes/redis.toml"),
    include_str!("../../recipes/snappass.toml"),
];

/// All recipes: those of the user first, then those that charmproof brings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    pages: Vec<Page>,
}

#[derive(Debug, Clone)]
struct Page {
    name: String,
    names: Vec<Reference>,
    recipe: Recipe,
    /// The folder that its files lie in; none for those that charmproof brings.
    folder: Option<Utf8PathBuf>,
}

/// A recipe that stands in for what was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) name: &'a str,
    pub(crate) recipe: &'a Recipe,
    pub(crate) folder: Option<&'a Utf8Path>,
}

impl Found<'_> {
    /// Returns whether charmproof brought it.
    pub(crate) fn is_built_in(&self) -> bool {
        self.folder.is_none()
    }
}

impl Book {
    /// Returns those that charmproof brings.
    pub(crate) fn built_in() -> Result<Self, ImageError> {
        let mut book = Self::default();
        for text in BUILT_IN {
            book.add(text, None).map_err(|why| ImageError::Configuration {
                path: "a recipe that charmproof brings".into(),
                why,
            })?;
        }
        Ok(book)
    }

    /// Reads a file with recipes, which are more important than all that are there. It need not exist.
    pub(crate) fn read(&mut self, path: &Utf8Path) -> Result<(), ImageError> {
        let wrong = |why: String| ImageError::Configuration { path: path.to_owned(), why };
        let text = match fs_err::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let folder = path.parent().unwrap_or(Utf8Path::new("/"));
        let mut own = Self::default();
        own.add(&text, Some(folder)).map_err(wrong)?;
        own.pages.append(&mut self.pages);
        *self = own;
        Ok(())
    }

    fn add(&mut self, text: &str, folder: Option<&Utf8Path>) -> Result<(), String> {
        let recipes: BTreeMap<String, Recipe> = toml::from_str(text).map_err(|error| error.to_string())?;
        for (name, recipe) in recipes {
            let names = [&name].into_iter().chain(&recipe.also);
            let names = names
                .map(|name| Reference::read(name).map_err(|why| format!("`{name}` names no image: {why}")))
                .collect::<Result<_, _>>()?;
            super::files::check(&recipe)
                .map_err(|(key, why)| format!("`{name}`: `{key}` is wrong: {why}"))?;
            self.pages.push(Page { name, names, recipe, folder: folder.map(Utf8Path::to_owned) });
        }
        Ok(())
    }

    /// Returns the recipe that fits best; of those that fit alike, the first.
    pub(crate) fn find(&self, asked: &Reference) -> Option<Found<'_>> {
        let mut best: Option<((bool, u32), &Page)> = None;
        for page in &self.pages {
            if let Some(fit) = page.names.iter().filter_map(|name| name.fits(asked)).max() {
                // What a user says counts more than how exactly charmproof's own fit.
                let fit = (page.folder.is_some(), fit);
                if best.is_none_or(|(other, _)| fit > other) {
                    best = Some((fit, page));
                }
            }
        }
        best.map(|(_, page)| page.found())
    }

    /// Returns the recipe with that name.
    pub(crate) fn named(&self, name: &str) -> Option<Found<'_>> {
        self.pages.iter().find(|page| page.name == name).map(Page::found)
    }

    /// Returns the names of all.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self.pages.iter().map(|page| format!("`{}`", page.name)).collect();
        names.join(", ")
    }
}

impl Page {
    fn found(&self) -> Found<'_> {
        Found { name: &self.name, recipe: &self.recipe, folder: self.folder.as_deref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(texts: &[&str]) -> Book {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(folder.path().join("images.toml")).unwrap();
        let mut book = Book::built_in().unwrap();
        for text in texts {
            fs_err::write(&path, text).unwrap();
            book.read(&path).unwrap();
        }
        book
    }

    fn check(texts: &[&str], asked: &str, expected: Option<(&str, bool)>) {
        let book = book(texts);
        let found = book.find(&Reference::read(asked).unwrap());
        assert_eq!(found.map(|found| (found.name, found.is_built_in())), expected, "{asked}");
    }

    #[test]
    fn the_recipe_that_fits_best_is_found() {
        check(&[], "redis", Some(("redis", true)));
        check(&[], "docker.io/library/redis:7.2", Some(("redis", true)));
        check(&[], "docker.io/kennethreitz/httpbin:latest", Some(("kennethreitz/httpbin", true)));
        check(&[], "benhoyt/snappass-test", Some(("benhoyt/snappass-test", true)));
        let demo = Some(("ghcr.io/canonical/api_demo_server", true));
        check(&[], "ghcr.io/canonical/api_demo_server/api-demo-server:2.1.0", demo);
        check(&[], "ghcr.io/canonical/api_demo_server:1.0.1", demo);
        check(&[], "bitnami/redis", None);
        check(&["[redis]\napt = ['valkey']"], "docker.io/redis:7", Some(("redis", false)));
        let two = "[redis]\napt = ['a']\n['redis:7']\napt = ['b']";
        check(&[two], "redis:7", Some(("redis:7", false)));
        check(&[two], "redis:6", Some(("redis", false)));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(folder.path().join("images.toml")).unwrap();
        let check = |text: &str, expected: &str| {
            fs_err::write(&path, text).unwrap();
            let error = Book::default().read(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("[redis]\nat = ['x']", "unknown field `at`");
        check("[Redis]", "lower case");
        check("['x'.files]\n'etc/x' = ''", "an absolute path");
        check("['x'.files]\n'/etc/../x' = ''", "`..`");
        check("['x'.files.'/x']\nmode = 'rwx'\ntext = ''", "no mode such as `0755`");
        check("['x'.files.'/x']\ntext = ''\nlink = ''", "exactly one of");
        check("[x]\nusers = [{name = 'a:b', uid = 1}]", "no name of a user");
        check("[x]\npython = ['--index-url=http://evil']", "no requirement");
        check("[x]\napt = ['-oDir::Etc=/x']", "no name of a package");
        check("[x]\npython_versions = ['3']", "no version such as `3.12`");
        check("[x", "TOML");
        assert!(Book::default().read(Utf8Path::new("/nowhere/images.toml")).is_ok());
    }
}
