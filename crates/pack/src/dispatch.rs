//! How a packed charm is started: the program that Juju calls for every hook.
//!
//! Charms rely on what it sets, so both forms do what charmcraft's do.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::prime::Content;

/// Hooks that Juju before 2.8 has to find, which knew no `dispatch`.
const OLD_HOOKS: [&str; 3] = ["install", "start", "upgrade-charm"];

/// Returns the `dispatch` of charms whose packages are in a virtual environment.
///
/// The environment has no interpreter: the one of the base is linked in when the first hook runs.
pub(crate) fn with_virtual_environment(program: &Utf8Path) -> String {
    format!(
        r#"#!/bin/sh
here="$(dirname "$(realpath "$0")")"
python="$here/venv/bin/python"
[ -e "$python" ] || {{ mkdir -p "$here/venv/bin" && ln -s "$(command -v python3)" "$python"; }}
export PYTHONPATH="$here/lib:$here/src"
export LD_LIBRARY_PATH="$here/usr/lib:$here/lib:$here/usr/lib/$(uname -m)-linux-gnu"
exec "$python" "$here/{program}"
"#
    )
}

/// Adds `dispatch` and the old hooks to a charm whose packages lie flat in `venv`.
pub(crate) fn classic(files: &mut BTreeMap<Utf8PathBuf, Content>, program: &Utf8Path) {
    let text = format!(
        "#!/bin/sh\n: \"${{JUJU_DISPATCH_PATH:=$0}}\"\nexport JUJU_DISPATCH_PATH\nPYTHONPATH=lib:venv exec ./{program}\n"
    );
    let own = files.entry("dispatch".into()).or_insert(Content::Text { text, is_executable: true }).clone();
    for hook in OLD_HOOKS {
        files.entry(Utf8Path::new("hooks").join(hook)).or_insert_with(|| own.clone());
    }
    // A hook that is a link to the program itself would start it without its packages.
    let entry = files.get(program).cloned();
    for (file, content) in files.iter_mut().filter(|(file, _)| file.starts_with("hooks")) {
        if Some(&*content) == entry.as_ref() && file != program {
            *content = own.clone();
        }
    }
}
