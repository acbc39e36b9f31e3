//! What machines must have: `mem=4G cores=2 arch=amd64`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::values::go::{self, quote};

/// Constraints of a model, an application or a machine. What is not said is `None`; a number that
/// is said to be nothing is zero, and overrides what would hold otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Constraints {
    /// The processor's architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The kind of container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// How many cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u64>,
    /// How much processing power, in a unit of long ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_power: Option<u64>,
    /// Memory in MiB.
    #[serde(rename = "mem", skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// The root disk in MiB.
    #[serde(rename = "root-disk", skip_serializing_if = "Option::is_none")]
    pub root_disk_mib: Option<u64>,
    /// What the root disk is taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_disk_source: Option<String>,
    /// Tags of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The role of the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_role: Option<String>,
    /// The type of the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Spaces to be in, or not to be in, with `^` in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spaces: Option<Vec<String>>,
    /// The kind of virtualisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virt_type: Option<String>,
    /// Zones to be in one of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zones: Option<Vec<String>>,
    /// Whether to have a public address.
    #[serde(rename = "allocate-public-ip", skip_serializing_if = "Option::is_none")]
    pub allocates_public_ip: Option<bool>,
    /// The image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
}

/// Architectures that Juju knows.
const ARCHITECTURES: [&str; 5] = ["amd64", "arm64", "ppc64el", "riscv64", "s390x"];

impl Constraints {
    /// Reads `name=value` pairs from texts that each hold any number of them. A space within a
    /// value has a backslash in front.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, String> {
        let mut constraints = Self::default();
        for text in texts {
            // No one types the zero character, so it can stand for an escaped space meanwhile.
            let text = text.as_ref().replace("\\ ", "\0");
            for pair in text.trim().split(' ') {
                let pair = pair.replace('\0', " ");
                let pair = pair.trim();
                if !pair.is_empty() {
                    constraints.take(pair)?;
                }
            }
        }
        Ok(constraints)
    }

    fn take(&mut self, pair: &str) -> Result<(), String> {
        let (name, value) = pair
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| format!("malformed constraint {}", quote(pair)))?;
        // The one name that has changed.
        let name = if name == "cpu-cores" { "cores" } else { name };
        let taken = match name {
            "arch" => architecture(value).and_then(|arch| set(&mut self.arch, arch)),
            "container" => container(value).and_then(|kind| set(&mut self.container, kind)),
            "cores" => number(value).and_then(|count| set(&mut self.cores, count)),
            "cpu-power" => number(value).and_then(|power| set(&mut self.cpu_power, power)),
            "mem" => size(value).and_then(|size| set(&mut self.memory_mib, size)),
            "root-disk" => size(value).and_then(|size| set(&mut self.root_disk_mib, size)),
            "root-disk-source" => set(&mut self.root_disk_source, value.to_owned()),
            "tags" => set(&mut self.tags, list(value)),
            "instance-role" => set(&mut self.instance_role, value.to_owned()),
            "instance-type" => set(&mut self.instance_type, value.to_owned()),
            "spaces" => spaces(value).and_then(|spaces| set(&mut self.spaces, spaces)),
            "virt-type" => set(&mut self.virt_type, value.to_owned()),
            "zones" => set(&mut self.zones, list(value)),
            "allocate-public-ip" if value.is_empty() => Ok(()),
            "allocate-public-ip" => go::parse_bool(value)
                .map_err(|_| "must be 'true' or 'false'".to_owned())
                .and_then(|allocates| set(&mut self.allocates_public_ip, allocates)),
            "image-id" => set(&mut self.image_id, value.to_owned()),
            _ => return Err(format!("unknown constraint {}", quote(name))),
        };
        taken.map_err(|reason| format!("bad {} constraint: {reason}", quote(name)))
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These constraints, with those of a model where they say nothing.
    #[must_use]
    pub fn or(&self, model: &Self) -> Self {
        let mine = self.clone();
        let theirs = model.clone();
        Self {
            arch: mine.arch.or(theirs.arch),
            container: mine.container.or(theirs.container),
            cores: mine.cores.or(theirs.cores),
            cpu_power: mine.cpu_power.or(theirs.cpu_power),
            memory_mib: mine.memory_mib.or(theirs.memory_mib),
            root_disk_mib: mine.root_disk_mib.or(theirs.root_disk_mib),
            root_disk_source: mine.root_disk_source.or(theirs.root_disk_source),
            tags: mine.tags.or(theirs.tags),
            instance_role: mine.instance_role.or(theirs.instance_role),
            instance_type: mine.instance_type.or(theirs.instance_type),
            spaces: mine.spaces.or(theirs.spaces),
            virt_type: mine.virt_type.or(theirs.virt_type),
            zones: mine.zones.or(theirs.zones),
            allocates_public_ip: mine.allocates_public_ip.or(theirs.allocates_public_ip),
            image_id: mine.image_id.or(theirs.image_id),
        }
    }
}

/// The constraints as people type them, in Juju's order.
impl fmt::Display for Constraints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.clone();
        let number = |value: Option<u64>| value.map(|value| shown(value, ""));
        let size = |value: Option<u64>| value.map(|value| shown(value, "M"));
        let list = |value: &Option<Vec<String>>| value.as_ref().map(|items| items.join(","));
        let pairs = [
            ("arch", text(&self.arch)),
            ("container", text(&self.container)),
            ("cores", number(self.cores)),
            ("cpu-power", number(self.cpu_power)),
            ("instance-role", text(&self.instance_role)),
            ("instance-type", text(&self.instance_type)),
            ("mem", size(self.memory_mib)),
            ("root-disk", size(self.root_disk_mib)),
            ("root-disk-source", text(&self.root_disk_source)),
            ("tags", list(&self.tags)),
            ("spaces", list(&self.spaces)),
            ("virt-type", text(&self.virt_type)),
            ("zones", list(&self.zones)),
            ("allocate-public-ip", self.allocates_public_ip.map(|allocates| allocates.to_string())),
            ("image-id", text(&self.image_id)),
        ];
        let said = pairs.into_iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}")));
        let escaped: Vec<String> = said.map(|pair| pair.replace(' ', "\\ ")).collect();
        formatter.write_str(&escaped.join(" "))
    }
}

fn shown(value: u64, unit: &str) -> String {
    if value == 0 { String::new() } else { format!("{value}{unit}") }
}

fn set<T>(place: &mut Option<T>, value: T) -> Result<(), String> {
    if place.is_some() {
        return Err("already set".to_owned());
    }
    *place = Some(value);
    Ok(())
}

fn architecture(value: &str) -> Result<String, String> {
    if value.is_empty() || ARCHITECTURES.contains(&value) {
        Ok(value.to_owned())
    } else {
        Err(format!("{} not recognized", quote(value)))
    }
}

fn container(value: &str) -> Result<String, String> {
    if matches!(value, "" | "none") || crate::names::is_container_type(value) {
        Ok(value.to_owned())
    } else {
        Err(format!("invalid container type {}", quote(value)))
    }
}

fn number(value: &str) -> Result<u64, String> {
    if value.is_empty() {
        return Ok(0);
    }
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = value.parse().ok().filter(|_| is_plain);
    parsed.ok_or_else(|| "must be a non-negative integer".to_owned())
}

fn size(value: &str) -> Result<u64, String> {
    if value.is_empty() {
        return Ok(0);
    }
    let units = [("M", 1.0), ("G", 1024.0), ("T", 1_048_576.0), ("P", 1_073_741_824.0)];
    let with_unit = units.iter().find_map(|(unit, mib)| Some((value.strip_suffix(unit)?, *mib)));
    let (number, multiplier) = with_unit.unwrap_or((value, 1.0));
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'+'));
    let parsed = number.parse::<f64>().ok().filter(|number| is_plain && *number >= 0.0);
    parsed
        .map(|number| (number * multiplier).ceil() as u64)
        .ok_or_else(|| "must be a non-negative float with optional M/G/T/P suffix".to_owned())
}

fn list(value: &str) -> Vec<String> {
    if value.is_empty() { Vec::new() } else { value.split(',').map(str::to_owned).collect() }
}

fn spaces(value: &str) -> Result<Vec<String>, String> {
    let spaces = list(value);
    for space in &spaces {
        let name = space.strip_prefix('^').unwrap_or(space);
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !name.split('-').all(is_word) {
            return Err(format!("{} is not a valid space name", quote(name)));
        }
    }
    Ok(spaces)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn constraints_are_printed_in_one_order() {
        let check = |texts: &[&str], expected: &str| {
            let found = Constraints::parse(texts).map(|constraints| constraints.to_string());
            assert_eq!(found, Ok(expected.to_owned()));
        };
        check(&["mem=4G cores=2 arch=amd64"], "arch=amd64 cores=2 mem=4096M");
        check(&["mem=1.5G", "root-disk=8T"], "mem=1536M root-disk=8388608M");
        check(&["cpu-cores=2"], "cores=2");
        check(&["mem= cores=0"], "cores= mem=");
        check(
            &["tags=a,b,^c zones=z1 virt-type=virtual-machine"],
            "tags=a,b,^c virt-type=virtual-machine zones=z1",
        );
        check(&["instance-type=some\\ type tags="], "instance-type=some\\ type tags=");
        check(&["allocate-public-ip=false allocate-public-ip="], "allocate-public-ip=false");
        check(&["spaces=db,^dmz-1", "container=lxd"], "container=lxd spaces=db,^dmz-1");
        check(&["  "], "");
    }

    #[test]
    fn wrong_constraints() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Constraints::parse(&[text]), Err(expected.to_owned()), "{text}");
        };
        check("mem", r#"malformed constraint "mem""#);
        check("=4", r#"malformed constraint "=4""#);
        check("memory=4G", r#"unknown constraint "memory""#);
        check("mem=1M mem=2M", r#"bad "mem" constraint: already set"#);
        check("mem=4K", r#"bad "mem" constraint: must be a non-negative float with optional M/G/T/P suffix"#);
        check("mem=-4", r#"bad "mem" constraint: must be a non-negative float with optional M/G/T/P suffix"#);
        check("cores=two", r#"bad "cores" constraint: must be a non-negative integer"#);
        check("arch=vax", r#"bad "arch" constraint: "vax" not recognized"#);
        check("container=docker", r#"bad "container" constraint: invalid container type "docker""#);
        check("spaces=A", r#"bad "spaces" constraint: "A" is not a valid space name"#);
        check(
            "allocate-public-ip=maybe",
            r#"bad "allocate-public-ip" constraint: must be 'true' or 'false'"#,
        );
    }

    #[test]
    fn constraints_as_an_object() {
        let check = |text: &str, expected: &str| {
            let constraints = Constraints::parse(&[text]).unwrap();
            assert_eq!(serde_json::to_string(&constraints).unwrap(), expected);
            assert_eq!(serde_json::from_str::<Constraints>(expected).unwrap(), constraints);
        };
        check("", "{}");
        check("mem=1G cores=4", r#"{"cores":4,"mem":1024}"#);
        check("arch=amd64 tags=a,b spaces=", r#"{"arch":"amd64","tags":["a","b"],"spaces":[]}"#);
    }

    #[test]
    fn a_model_says_what_an_application_does_not() {
        let of = |text: &str| Constraints::parse(&[text]).unwrap();
        assert_eq!(of("mem=2G").or(&of("mem=1G arch=amd64")), of("arch=amd64 mem=2G"));
        assert!(of("").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = Constraints::parse(&[text]);
        }

        #[test]
        fn printed_constraints_are_read_again(
            text in "((mem|root-disk|cores|cpu-power|tags|zones|image-id|instance-type|arch)=[0-9a-z.,^MG]{0,5} ?){0,4}",
        ) {
            if let Ok(constraints) = Constraints::parse(&[&text]) {
                prop_assert_eq!(Constraints::parse(&[constraints.to_string()]), Ok(constraints));
            }
        }
    }
}
