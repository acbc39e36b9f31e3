//! What `juju constraints` and `juju model-constraints` show.

use serde::Serialize;

/// What is asked of machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ConstraintsView {
    /// The architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The kind of container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// How many cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u64>,
    /// How fast they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_power: Option<u64>,
    /// How much memory.
    #[serde(rename = "mem", skip_serializing_if = "Option::is_none")]
    pub mem_mib: Option<u64>,
    /// How large a disk.
    #[serde(rename = "root-disk", skip_serializing_if = "Option::is_none")]
    pub root_disk_mib: Option<u64>,
    /// Where the disk comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_disk_source: Option<String>,
    /// What the machine is marked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// What the machine may do in its cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_role: Option<String>,
    /// What the cloud calls such machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// The networks it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spaces: Option<Vec<String>>,
    /// How it is virtual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virt_type: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zones: Option<Vec<String>>,
    /// Whether it has a public address.
    #[serde(rename = "allocate-public-ip", skip_serializing_if = "Option::is_none")]
    pub allocate_public_ip: Option<bool>,
    /// The image it begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
}

/// Writes constraints as people type them, `arch=amd64 cores=4 mem=1024M`, without a line end.
pub fn text(constraints: &ConstraintsView) -> String {
    // A zero asks for nothing, and is written so.
    let number = |number: Option<u64>, unit: &str| {
        number.map(|number| if number == 0 { String::new() } else { format!("{number}{unit}") })
    };
    let list = |values: &Option<Vec<String>>| values.as_ref().map(|values| values.join(","));
    let fields = [
        ("arch", constraints.arch.clone()),
        ("container", constraints.container.clone()),
        ("cores", number(constraints.cores, "")),
        ("cpu-power", number(constraints.cpu_power, "")),
        ("instance-role", constraints.instance_role.clone()),
        ("instance-type", constraints.instance_type.clone()),
        ("mem", number(constraints.mem_mib, "M")),
        ("root-disk", number(constraints.root_disk_mib, "M")),
        ("root-disk-source", constraints.root_disk_source.clone()),
        ("tags", list(&constraints.tags)),
        ("spaces", list(&constraints.spaces)),
        ("virt-type", constraints.virt_type.clone()),
        ("zones", list(&constraints.zones)),
        ("allocate-public-ip", constraints.allocate_public_ip.map(|value| value.to_string())),
        ("image-id", constraints.image_id.clone()),
    ];
    let words = fields.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    words.map(|word| word.replace(' ', "\\ ")).collect::<Vec<_>>().join(" ")
}

/// Writes `juju constraints` and `juju model-constraints`.
pub fn write(constraints: &ConstraintsView) -> String {
    format!("{}\n", text(constraints))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_written_as_they_are_typed() {
        let constraints = ConstraintsView {
            cores: Some(4),
            mem_mib: Some(1024),
            tags: Some(vec!["a b".to_owned(), "c".to_owned()]),
            allocate_public_ip: Some(false),
            root_disk_mib: Some(0),
            ..ConstraintsView::default()
        };
        assert_eq!(
            write(&constraints),
            "cores=4 mem=1024M root-disk= tags=a\\ b,c allocate-public-ip=false\n"
        );
        assert_eq!(write(&ConstraintsView::default()), "\n");
    }
}
