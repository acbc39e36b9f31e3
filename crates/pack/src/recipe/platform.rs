//! For what a charm is packed: `base`, `platforms`, and the older `bases`.

use std::fmt;

use charmproof_charm::metadata::Base;
use charmproof_charm::yaml::{Entry, Node};

use super::{RecipeError, invalid};

/// An architecture, by Debian's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumString, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Architecture {
    /// 64-bit x86.
    Amd64,
    /// 64-bit ARM.
    Arm64,
    /// 32-bit ARM.
    Armhf,
    /// 32-bit x86.
    I386,
    /// 64-bit PowerPC, little endian.
    Ppc64el,
    /// 64-bit RISC-V.
    Riscv64,
    /// IBM Z.
    S390x,
}

impl Architecture {
    /// The one of this machine, if Debian has it.
    pub fn of_host() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::Amd64),
            "aarch64" => Some(Self::Arm64),
            "arm" => Some(Self::Armhf),
            "x86" => Some(Self::I386),
            "powerpc64" => Some(Self::Ppc64el),
            "riscv64" => Some(Self::Riscv64),
            "s390x" => Some(Self::S390x),
            _ => None,
        }
    }
}

/// Something that a charm is packed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// What charmcraft calls it: `amd64`, `ubuntu@24.04:amd64`, `jammy`.
    pub label: String,
    /// The base that its Python is of.
    pub base: Base,
    /// The architectures of machines that it can be built on.
    pub built_on: Vec<Architecture>,
    /// Where it runs: bases, with the architectures of each.
    pub runs_on: Vec<(Base, Vec<String>)>,
}

impl Platform {
    /// The name of the archive: `NAME_PLATFORM.charm`.
    pub fn file_name(&self, charm: &str) -> String {
        format!("{charm}_{}.charm", self.label.replace(':', "-"))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.label)
    }
}

/// Reads all platforms of a charm.
pub(super) fn read(root: &Node) -> Result<Vec<Platform>, RecipeError> {
    if let Some(platforms) = root.get("platforms") {
        let common = match root.get("build-base").or_else(|| root.get("base")) {
            Some(node) => Some(base(node)?),
            None => None,
        };
        let all: Vec<Platform> = platforms
            .entries()
            .iter()
            .map(|entry| platform(entry, common.as_ref()))
            .collect::<Result<_, _>>()?;
        if all.is_empty() {
            return Err(invalid(platforms, "`platforms` has to name at least one, such as `amd64:`"));
        }
        return Ok(all);
    }
    if let Some(bases) = root.get("bases") {
        return bases.items().iter().map(legacy).collect();
    }
    Err(invalid(
        root,
        "it says nowhere what the charm runs on; add `base: ubuntu@24.04` and `platforms: {amd64: }`",
    ))
}

fn base(node: &Node) -> Result<Base, RecipeError> {
    let text = node.text().unwrap_or_default();
    text.parse().map_err(|error| invalid(node, format!("{error}")))
}

/// Reads a word such as `amd64` or `ubuntu@24.04:amd64`.
fn word(text: &str) -> (Option<Base>, &str) {
    match text.rsplit_once(':') {
        Some((base, rest)) => (base.parse().ok(), rest),
        None => (None, text),
    }
}

fn architectures(node: &Node, words: &[&str]) -> Result<Vec<Architecture>, RecipeError> {
    let one = |text: &&str| {
        let (_, architecture) = word(text);
        architecture.parse().map_err(|_| {
            invalid(node, format!("`{architecture}` is no architecture such as amd64, arm64 or s390x"))
        })
    };
    words.iter().map(one).collect()
}

fn platform(entry: &Entry, common: Option<&Base>) -> Result<Platform, RecipeError> {
    let (label, node) = (entry.key.as_str(), &entry.value);
    let words = |key: &str| {
        let found = node.get(key).map(Node::texts).filter(|words| !words.is_empty());
        found.unwrap_or_else(|| vec![label])
    };
    let (on, for_) = (words("build-on"), words("build-for"));
    let named = on.iter().chain(&for_).chain([&label]).find_map(|text| word(text).0);
    let base = named.as_ref().or(common).ok_or_else(|| {
        invalid(
            node,
            format!("the platform `{label}` has no base; write `ubuntu@24.04:{label}:`, or a `base`"),
        )
    })?;
    let architectures_of = for_.iter().map(|text| word(text).1.to_owned()).collect();
    Ok(Platform {
        label: label.to_owned(),
        base: base.clone(),
        built_on: architectures(node, &on)?,
        runs_on: vec![(base.clone(), architectures_of)],
    })
}

/// Reads an entry of `bases`: a base, or `build-on` and `run-on` with lists of them.
fn legacy(node: &Node) -> Result<Platform, RecipeError> {
    let both = |key: &str| node.get(key).map_or_else(|| vec![node], |list| list.items().iter().collect());
    let bases = |nodes: Vec<&Node>| -> Result<Vec<(Base, Vec<String>)>, RecipeError> {
        let one = |node: &Node| {
            let text = |key: &str| node.get(key).and_then(Node::text);
            let (Some(name), Some(channel)) = (text("name"), text("channel")) else {
                return Err(invalid(node, "a base has a `name` and a `channel`"));
            };
            let base = Base { name: name.to_owned(), channel: channel.to_owned() };
            let architectures = node.get("architectures").map(Node::texts).unwrap_or_default();
            Ok((base, architectures.into_iter().map(str::to_owned).collect::<Vec<_>>()))
        };
        nodes.into_iter().map(one).collect()
    };
    let on = bases(both("build-on"))?;
    let mut runs_on = bases(both("run-on"))?;
    let host = Architecture::of_host();
    let own = || host.map(|host| host.to_string()).into_iter().collect::<Vec<_>>();
    for (_, architectures) in &mut runs_on {
        if architectures.is_empty() {
            *architectures = own();
        }
    }
    let words: Vec<&str> = on.iter().flat_map(|(_, words)| words).map(String::as_str).collect();
    let mut built_on = architectures(node, &words)?;
    if built_on.is_empty() {
        built_on.extend(host);
    }
    let (first, _) = on.first().ok_or_else(|| invalid(node, "`build-on` names no base"))?;
    let label = runs_on
        .iter()
        .map(|(base, architectures)| format!("{}-{}-{}", base.name, base.channel, architectures.join("-")));
    Ok(Platform {
        label: label.collect::<Vec<_>>().join("_"),
        base: first.clone(),
        built_on,
        runs_on: runs_on.clone(),
    })
}
