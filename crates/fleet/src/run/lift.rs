//! Lifts a Python floor in a copy, where the swapped package no longer supports it.

use std::collections::BTreeMap;

use camino::Utf8Path;
use charmproof_charm::interpreter::{Lift, LiftOf};

/// Returns what tox is to use instead of what a charm's configuration says, in all
/// the spellings of the charm's version.
pub fn base_pythons(lifts: &[Lift]) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for lift in lifts.iter().filter(|lift| lift.of == LiftOf::ToxBasePython) {
        let digits = lift.from.replace('.', "");
        for spelling in [lift.from.clone(), format!("python{}", lift.from), format!("py{digits}")] {
            map.insert(spelling, format!("python{}", lift.to));
        }
    }
    map
}

/// Writes the lifts that need a file to change, and returns a line for each lift.
pub fn apply(lifts: &[Lift], charm_dir: &Utf8Path) -> std::io::Result<Vec<String>> {
    let mut edits = Vec::new();
    for lift in lifts {
        match lift.of {
            LiftOf::RequiresPython => edit(&charm_dir.join("pyproject.toml"), &lift.from, &lift.to)?,
            LiftOf::LockRequiresPython => {
                for name in ["uv.lock", "poetry.lock"] {
                    edit(&charm_dir.join(name), &lift.from, &lift.to)?;
                }
            }
            LiftOf::PythonVersionFile => {
                let path = charm_dir.join(".python-version");
                if path.exists() {
                    fs_err::write(path, format!("{}\n", lift.to))?;
                }
            }
            LiftOf::ToxBasePython | LiftOf::Base => {}
        }
        if lift.of != LiftOf::Base {
            edits.push(lift.to_string());
        }
    }
    Ok(edits)
}

/// Replaces a constraint on the lines that speak of Python, and nowhere else.
fn edit(path: &Utf8Path, from: &str, to: &str) -> std::io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let text = fs_err::read_to_string(path)?;
    let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let key = line.split('=').next().unwrap_or("").trim();
            if !matches!(key, "requires-python" | "python" | "python-versions") {
                return line.to_string();
            }
            let Some((head, rest)) = line.split_once('=') else { return line.to_string() };
            let value = rest.trim().trim_matches(['"', '\'']);
            if squeezed(value) == squeezed(from) { format!("{head}= \"{to}\"") } else { line.to_string() }
        })
        .collect();
    fs_err::write(path, lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_of_python_change() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temp.path()).unwrap();
        fs_err::write(dir.join("pyproject.toml"), "[project]\nrequires-python = \">=3.8\"\nx = \">=3.8\"\n")
            .unwrap();
        let lift = Lift {
            of: LiftOf::RequiresPython,
            source: "requires-python in pyproject.toml".into(),
            from: ">=3.8".into(),
            to: ">=3.10".into(),
            reason: "ops needs >=3.10".into(),
        };
        let edits = apply(&[lift], dir).unwrap();
        assert_eq!(edits.len(), 1);
        let text = fs_err::read_to_string(dir.join("pyproject.toml")).unwrap();
        assert_eq!(text, "[project]\nrequires-python = \">=3.10\"\nx = \">=3.8\"\n");
    }
}
