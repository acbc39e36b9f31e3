//! What tox would run: the environments that a project declares, read from
//! tox.ini, setup.cfg, pyproject.toml or tox.toml, in the order tox looks.
//!
//! Nothing is evaluated: substitutions are left as they are, and names that
//! still hold one are left out.

mod braces;

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use braces::expand;

use crate::ini::{Ini, Section};
use crate::names::PythonVersion;
use crate::toml_text::{TomlText, strings};
use crate::{Broken, Tree};

/// What a tox configuration declares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToxConfig {
    /// The file it was read from.
    pub file: Utf8PathBuf,
    /// The names of the environments, by list or by section.
    pub environments: BTreeSet<String>,
    /// The packages tox itself needs: plugins, and versions of tox.
    pub requires: Vec<String>,
    /// The lowest version of tox.
    pub min_version: Option<String>,
    /// The interpreters that all environments ask for.
    pub default_base_python: Vec<String>,
    /// The interpreters that single environments ask for.
    pub base_python: BTreeMap<String, Vec<String>>,
}

impl ToxConfig {
    /// The Python that an environment asks for: its own `base_python`, its
    /// name's `py312`, or what all of them ask for.
    pub fn base_python_of(&self, environment: &str) -> Option<PythonVersion> {
        let first =
            |names: &[String]| names.iter().find_map(|name| PythonVersion::from_interpreter_name(name));
        let own = self.base_python.get(environment).and_then(|names| first(names));
        let factor = || {
            environment
                .split('-')
                .filter(|factor| factor.starts_with("py") || factor.starts_with("3."))
                .find_map(PythonVersion::from_interpreter_name)
        };
        own.or_else(factor).or_else(|| first(&self.default_base_python))
    }
}

/// Reads the tox configuration of a project, if it has one.
pub fn tox_config(tree: &dyn Tree) -> Result<Option<ToxConfig>, Broken> {
    let read = |name: &str| tree.read(Utf8Path::new(name));
    if let Some(text) = read("tox.ini") {
        return parse_ini("tox.ini".into(), &text, "tox").map(Some);
    }
    if let Some(text) = read("setup.cfg")
        && text.contains("[tox:tox]")
    {
        return parse_ini("setup.cfg".into(), &text, "tox:tox").map(Some);
    }
    if let Some(text) = read("pyproject.toml") {
        // A broken manifest without tox in it is somebody else's to report.
        if text.contains("tool.tox")
            && let Some(config) = parse_pyproject(&text)?
        {
            return Ok(Some(config));
        }
    }
    match read("tox.toml") {
        Some(text) => parse_toml(&text).map(Some),
        None => Ok(None),
    }
}

/// Reads a tox.ini, or a setup.cfg with the section `tox:tox`.
pub fn parse_ini(file: Utf8PathBuf, text: &str, core_section: &str) -> Result<ToxConfig, Broken> {
    let ini = Ini::parse(&file, text)?;
    let mut config = ToxConfig { file, ..ToxConfig::default() };
    if let Some(core) = ini.section(core_section) {
        let list = value(core, &["env_list", "envlist"]).unwrap_or_default();
        config
            .environments
            .extend(expand(&resolve(&ini, &list)).into_iter().filter(|name| is_environment(name)));
        config.requires = lines_of(value(core, &["requires"]));
        config.min_version = value(core, &["min_version", "minversion"]);
    }
    for section in &ini.sections {
        let base_python = value(section, &["base_python", "basepython"]).unwrap_or_default();
        let base_python: Vec<String> = resolve(&ini, &base_python)
            .split([',', '\n', ' '])
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        if section.name == "testenv" {
            config.default_base_python = base_python;
        } else if let Some(names) = section.name.strip_prefix("testenv:") {
            for name in expand(names).into_iter().filter(|name| is_environment(name)) {
                if !base_python.is_empty() {
                    config.base_python.insert(name.clone(), base_python.clone());
                }
                config.environments.insert(name);
            }
        }
    }
    Ok(config)
}

/// Reads a tox.toml.
pub fn parse_toml(text: &str) -> Result<ToxConfig, Broken> {
    let file = Utf8Path::new("tox.toml");
    let toml = TomlText::parse(file, text)?;
    Ok(from_table(file, &|key| toml.get(&[key])))
}

/// Reads the `tool.tox` of a pyproject.toml, if there is one.
pub fn parse_pyproject(text: &str) -> Result<Option<ToxConfig>, Broken> {
    let file = Utf8Path::new("pyproject.toml");
    let toml = TomlText::parse(file, text)?;
    if let Some(legacy) = toml.get(&["tool", "tox", "legacy_tox_ini"])
        && let Some(ini) = legacy.get_ref().as_str()
    {
        return match parse_ini(file.to_owned(), ini, "tox") {
            Ok(config) => Ok(Some(config)),
            Err(mut broken) => {
                // Lines of a multi-line string count from the line after its
                // quotes.
                broken.place.line += toml.line_of(legacy);
                broken.snippet = broken.place.snippet(text);
                Err(broken)
            }
        };
    }
    if toml.table_at(&["tool", "tox"]).is_none() {
        return Ok(None);
    }
    Ok(Some(from_table(file, &|key| toml.get(&["tool", "tox", key]))))
}

fn from_table<'a, 'b>(file: &Utf8Path, get: &dyn Fn(&str) -> Option<&'b Spanned<DeValue<'a>>>) -> ToxConfig
where
    'a: 'b,
{
    let first = |keys: &[&str]| keys.iter().find_map(|key| get(key)).map(Spanned::get_ref);
    let mut config = ToxConfig { file: file.to_owned(), ..ToxConfig::default() };
    if let Some(list) = first(&["env_list", "envlist"]) {
        config.environments.extend(environments_of(list).into_iter().filter(|name| is_environment(name)));
    }
    config.requires = first(&["requires"]).map(strings).unwrap_or_default();
    config.min_version = first(&["min_version", "minversion"]).and_then(DeValue::as_str).map(str::to_owned);
    let base_python_in = |table: &DeTable<'_>| {
        let value = table.get("base_python").or_else(|| table.get("basepython"));
        value.map(|value| strings(value.get_ref())).unwrap_or_default()
    };
    if let Some(table) = first(&["env_run_base"]).and_then(DeValue::as_table) {
        config.default_base_python = base_python_in(table);
    }
    if let Some(table) = first(&["env"]).and_then(DeValue::as_table) {
        for (name, environment) in table {
            let name = name.get_ref().to_string();
            let base_python = environment.get_ref().as_table().map(base_python_in).unwrap_or_default();
            if !base_python.is_empty() {
                config.base_python.insert(name.clone(), base_python);
            }
            config.environments.insert(name);
        }
    }
    config
}

/// The names in an `env_list`: strings, and tables that ask for a product.
fn environments_of(list: &DeValue<'_>) -> Vec<String> {
    let DeValue::Array(items) = list else {
        return list.as_str().map(expand).unwrap_or_default();
    };
    let mut names = Vec::new();
    for item in items {
        match item.get_ref() {
            DeValue::String(text) => names.extend(expand(text)),
            DeValue::Table(table) => {
                let excluded = table.get("exclude").map(|value| strings(value.get_ref())).unwrap_or_default();
                let Some(DeValue::Array(axes)) = table.get("product").map(Spanned::get_ref) else {
                    continue;
                };
                let axes: Vec<Vec<String>> = axes.iter().map(|axis| axis_of(axis.get_ref())).collect();
                let product = braces::product(&axes).into_iter().map(|parts| parts.join("-"));
                names.extend(product.filter(|name| !excluded.contains(name)));
            }
            _ => {}
        }
    }
    names
}

fn axis_of(axis: &DeValue<'_>) -> Vec<String> {
    let DeValue::Table(range) = axis else {
        return strings(axis);
    };
    let number = |key: &str| range.get(key)?.get_ref().as_integer()?.as_str().parse::<u8>().ok();
    let prefix = range.get("prefix").and_then(|value| value.get_ref().as_str()).unwrap_or("");
    match (number("start"), number("stop")) {
        (Some(start), Some(stop)) => (start..=stop).map(|at| format!("{prefix}{at}")).collect(),
        _ => Vec::new(),
    }
}

fn value(section: &Section, keys: &[&str]) -> Option<String> {
    section.option(keys).map(crate::ini::Entry::text)
}

fn lines_of(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// How long a list may grow when its references are followed, in bytes.
const RESOLVED_BYTES: usize = 100_000;

/// Follows `{[section]key}` once. What cannot be followed stays.
fn resolve(ini: &Ini, text: &str) -> String {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{[") {
        let (before, reference) = rest.split_at(at);
        resolved.push_str(before);
        let found = reference.find('}').and_then(|end| {
            let (section, key) = reference[2..end].split_once(']')?;
            Some((value(ini.section(section)?, &[key])?, end))
        });
        if let Some((text, end)) = found
            && resolved.len() + text.len() <= RESOLVED_BYTES
        {
            resolved.push_str(&text);
            rest = &reference[end + 1..];
        } else {
            resolved.push_str("{[");
            rest = &reference[2..];
        }
    }
    resolved.push_str(rest);
    resolved
}

/// Whether a name can be given to tox, and holds no substitution.
fn is_environment(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
}

#[cfg(test)]
mod tests;
