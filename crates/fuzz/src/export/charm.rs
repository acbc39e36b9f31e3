//! What a test has to know of a charm's program: which class it is, and how to import it.

use camino::Utf8Path;
use charmproof_charm::metadata::CharmMetadata;

use super::Inexpressible;

/// A charm that a test is written for.
#[derive(Clone, Copy, Debug)]
pub struct Charm<'a> {
    /// What it declares.
    pub metadata: &'a CharmMetadata,
    /// Its program, relative to its folder: `src/charm.py`.
    pub program: &'a Utf8Path,
    /// The text of the program.
    pub source: &'a str,
}

impl Charm<'_> {
    /// Returns the name of the class, which the program hands to `ops.main`.
    pub(super) fn class(&self) -> Result<&str, Inexpressible> {
        let not_named =
            || Inexpressible(format!("`{}` does not say which class it hands to `ops.main`", self.program));
        let (line, arguments) = self.source.lines().find_map(call_of_main).ok_or_else(not_named)?;
        if !line.starts_with([' ', '\t']) {
            return Err(Inexpressible(format!(
                "`{}` runs the charm when it is imported: `ops.main` is not behind \
                 `if __name__ == \"__main__\"`",
                self.program
            )));
        }
        let arguments = arguments.trim_start();
        let arguments = arguments.strip_prefix("charm_class=").unwrap_or(arguments);
        let end = arguments
            .find(|character: char| !character.is_alphanumeric() && character != '_')
            .unwrap_or(arguments.len());
        let class = &arguments[..end];
        if class.is_empty() || class.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(not_named());
        }
        Ok(class)
    }

    /// Returns the module that the program is.
    pub(super) fn module(&self) -> &str {
        self.program.file_stem().unwrap_or("charm")
    }

    /// Returns the folder of the program.
    pub(super) fn folder(&self) -> &str {
        self.program.parent().map_or("", Utf8Path::as_str)
    }
}

/// Returns a line that calls `ops.main`, and what it is called with.
fn call_of_main(line: &str) -> Option<(&str, &str)> {
    let call = line.trim_start();
    let call = call.strip_prefix("ops.").unwrap_or(call);
    let arguments = call.strip_prefix("main.main(").or_else(|| call.strip_prefix("main("))?;
    Some((line, arguments)).filter(|_| !arguments.trim_start().starts_with(')'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_what_main_is_called_with() {
        let metadata = CharmMetadata::default();
        let check = |source: &str, expected: Option<&str>| {
            let charm = Charm { metadata: &metadata, program: Utf8Path::new("src/charm.py"), source };
            assert_eq!(charm.class().ok(), expected, "{source}");
        };
        check("if __name__ == '__main__':\n    ops.main(WebCharm)\n", Some("WebCharm"));
        check("if x:\n  main(Web, use_juju_for_storage=True)\n", Some("Web"));
        check("if x:\n  ops.main.main(charm_class=Web)\n", Some("Web"));
        check("ops.main(WebCharm)\n", None);
        check("if x:\n  main()\n", None);
        check("class Web: pass\n", None);
    }
}
