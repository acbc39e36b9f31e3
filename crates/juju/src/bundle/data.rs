//! What a bundle says, read leniently: Juju passes over fields that it does not know, and over
//! values that are not what a field holds, and tells of them when asked what it would do.

use std::collections::BTreeMap;

use charmproof_charm::yaml::{self, Node};
use serde_json::Value;

use crate::values::go::quote;
use crate::values::yaml::value_of;

/// A bundle, or one document of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bundle {
    /// The kind of model that it is for: `kubernetes`, or nothing.
    pub kind: String,
    /// Applications. One without a body is `None` in `absent_applications`.
    pub applications: BTreeMap<String, BundleApplication>,
    /// Applications that are named and nothing else, which an overlay removes.
    pub(crate) absent_applications: Vec<String>,
    /// Machines that units are placed on.
    pub machines: BTreeMap<String, BundleMachine>,
    /// Offers that are consumed, by the name that they get here.
    pub saas: BTreeMap<String, String>,
    /// What is consumed no longer, in an overlay.
    pub(crate) absent_saas: Vec<String>,
    /// The default series.
    pub series: String,
    /// The default base.
    pub default_base: String,
    /// Pairs of endpoints. A relation with more or fewer than two is an error that is found later.
    pub relations: Vec<Vec<String>>,
    /// Whether the document has machines at all, so that an overlay's replace the others.
    pub(crate) has_machines: bool,
}

/// An application of a bundle.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BundleApplication {
    /// The charm: a path or a name.
    pub charm: String,
    /// The channel on Charmhub.
    pub channel: String,
    /// The revision on Charmhub.
    pub revision: Option<i64>,
    /// The series to run on.
    pub series: String,
    /// The base to run on.
    pub base: String,
    /// Resources by their names.
    pub resources: BTreeMap<String, BundleResource>,
    /// How many units.
    pub unit_count: i64,
    /// Where units are placed, or what nodes must have in a Kubernetes bundle.
    pub to: Vec<String>,
    /// Whether everyone may reach it.
    pub is_exposed: bool,
    /// Who may reach which endpoint.
    pub exposed_endpoints: BTreeMap<String, ExposedEndpoint>,
    /// Settings.
    pub options: BTreeMap<String, Value>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Constraints, as text.
    pub constraints: String,
    /// Storage by label, as text.
    pub storage: BTreeMap<String, String>,
    /// Devices by label, as text.
    pub devices: BTreeMap<String, String>,
    /// Spaces by endpoint.
    pub bindings: BTreeMap<String, String>,
    /// Offers by their names.
    pub offers: BTreeMap<String, BundleOffer>,
    /// Whether it wants the cloud's credentials.
    pub requires_trust: bool,
    /// The fields that the document has, for laying one over another.
    pub(crate) fields: Vec<String>,
    /// Options and resources that are named without a value, which an overlay removes.
    pub(crate) absent: Vec<(String, String)>,
}

/// A machine of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BundleMachine {
    /// Constraints, as text.
    pub constraints: String,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// The series to install.
    pub series: String,
    /// The base to install.
    pub base: String,
}

/// A resource of a bundle's application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleResource {
    /// A revision on Charmhub.
    Revision(i64),
    /// A path or an image.
    Text(String),
    /// Neither, which is an error.
    Other,
}

/// Who may reach an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExposedEndpoint {
    /// Spaces.
    pub spaces: Vec<String>,
    /// Networks.
    pub cidrs: Vec<String>,
}

/// An offer of a bundle's application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BundleOffer {
    /// The endpoints.
    pub endpoints: Vec<String>,
    /// What users may do with it.
    pub access: BTreeMap<String, String>,
}

/// Reads one document. Fields that are passed over are noted with their lines.
pub(crate) fn read_document(root: &Node, notes: &mut Vec<String>) -> Result<Bundle, String> {
    let mut bundle = Bundle::default();
    let mut reader = Reader { notes };
    for entry in root.entries() {
        let node = &entry.value;
        match entry.key.as_str() {
            "bundle" => bundle.kind = reader.text(node),
            "series" => bundle.series = reader.text(node),
            "default-base" => bundle.default_base = reader.text(node),
            "applications" => {
                for entry in reader.entries(node) {
                    if is_null(&entry.value) {
                        bundle.absent_applications.push(entry.key.clone());
                    } else {
                        let application = reader.application(&entry.value, &entry.key)?;
                        bundle.applications.insert(entry.key.clone(), application);
                    }
                }
            }
            "machines" => {
                bundle.has_machines = !is_null(node);
                for entry in reader.entries(node) {
                    let machine = reader.machine(&entry.value);
                    bundle.machines.insert(entry.key.clone(), machine);
                }
            }
            "saas" => {
                for entry in reader.entries(node) {
                    if is_null(&entry.value) {
                        bundle.absent_saas.push(entry.key.clone());
                        continue;
                    }
                    let url = entry.value.get("url").map(|url| reader.text(url)).unwrap_or_default();
                    bundle.saas.insert(entry.key.clone(), url);
                }
            }
            "relations" => {
                for item in reader.items(node) {
                    let endpoints = reader.texts(item);
                    bundle.relations.push(endpoints);
                }
            }
            "tags" | "description" | "name" | "website" | "source" | "issues" | "docs" => {}
            unknown => reader.unknown(entry.place.line, unknown, "bundle"),
        }
    }
    // What the fields above say depends on the kind, which may stand below them.
    let is_kubernetes = bundle.kind == "kubernetes";
    for (name, application) in &bundle.applications {
        if application.fields.iter().any(|field| field == "placement") && !is_kubernetes {
            return Err(format!(
                "placement ({}) not valid for non-Kubernetes application {}",
                application.to.join(","),
                quote(name)
            ));
        }
    }
    Ok(bundle)
}

fn is_null(node: &Node) -> bool {
    matches!(value_of(node), Value::Null)
}

struct Reader<'a> {
    notes: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn unknown(&mut self, line: usize, field: &str, of: &str) {
        self.notes.push(format!("line {line}: field {field} not found in {of}"));
    }

    fn unexpected(&mut self, node: &Node, into: &str) {
        let tag = match value_of(node) {
            Value::Null => return,
            Value::Bool(_) => "!!bool",
            Value::Number(number) if number.is_f64() => "!!float",
            Value::Number(_) => "!!int",
            Value::String(_) => "!!str",
            Value::Array(_) => "!!seq",
            Value::Object(_) => "!!map",
        };
        let text = node.text().map(|text| format!(" `{text}`")).unwrap_or_default();
        self.notes.push(format!("line {}: cannot unmarshal {tag}{text} into {into}", node.place.line));
    }

    fn text(&mut self, node: &Node) -> String {
        if let yaml::Value::Scalar { .. } = node.value {
            return node.text().unwrap_or_default().to_owned();
        }
        self.unexpected(node, "string");
        String::new()
    }

    fn number(&mut self, node: &Node) -> Option<i64> {
        let number = value_of(node).as_i64();
        if number.is_none() {
            self.unexpected(node, "int");
        }
        number
    }

    fn truth(&mut self, node: &Node) -> bool {
        let truth = value_of(node).as_bool();
        if truth.is_none() {
            self.unexpected(node, "bool");
        }
        truth.unwrap_or(false)
    }

    fn entries<'n>(&mut self, node: &'n Node) -> &'n [yaml::Entry] {
        if !matches!(node.value, yaml::Value::Mapping(_)) {
            self.unexpected(node, "map");
        }
        node.entries()
    }

    fn items<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        if !matches!(node.value, yaml::Value::Sequence(_)) {
            self.unexpected(node, "[]string");
        }
        node.items()
    }

    fn texts(&mut self, node: &Node) -> Vec<String> {
        self.items(node).iter().map(|item| self.text(item)).collect()
    }

    fn text_map(&mut self, node: &Node) -> BTreeMap<String, String> {
        self.entries(node).iter().map(|entry| (entry.key.clone(), self.text(&entry.value))).collect()
    }

    fn machine(&mut self, node: &Node) -> BundleMachine {
        let mut machine = BundleMachine::default();
        for entry in self.entries(node) {
            match entry.key.as_str() {
                "constraints" => machine.constraints = self.text(&entry.value),
                "annotations" => machine.annotations = self.text_map(&entry.value),
                "series" => machine.series = self.text(&entry.value),
                "base" => machine.base = self.text(&entry.value),
                unknown => self.unknown(entry.place.line, unknown, "machines"),
            }
        }
        machine
    }

    fn application(&mut self, node: &Node, name: &str) -> Result<BundleApplication, String> {
        let mut application = BundleApplication::default();
        let mut scale = None;
        let mut unit_count = None;
        let mut placement = None;
        for entry in self.entries(node) {
            let node = &entry.value;
            application.fields.push(entry.key.clone());
            match entry.key.as_str() {
                "charm" => application.charm = self.text(node),
                "channel" => application.channel = self.text(node),
                "revision" => application.revision = self.number(node),
                "series" => application.series = self.text(node),
                "base" => application.base = self.text(node),
                "num_units" => unit_count = self.number(node),
                "scale" => scale = self.number(node),
                "to" => application.to = self.texts(node),
                "placement" => placement = Some(self.text(node)).filter(|text| !text.is_empty()),
                "expose" => application.is_exposed = self.truth(node),
                "constraints" => application.constraints = self.text(node),
                "annotations" => application.annotations = self.text_map(node),
                "storage" => application.storage = self.text_map(node),
                "devices" => application.devices = self.text_map(node),
                "bindings" => application.bindings = self.text_map(node),
                "trust" => application.requires_trust = self.truth(node),
                "resources" => {
                    for entry in self.entries(node) {
                        let resource = match value_of(&entry.value) {
                            Value::Number(number) => {
                                number.as_i64().map_or(BundleResource::Other, BundleResource::Revision)
                            }
                            Value::String(text) => BundleResource::Text(text),
                            Value::Null => {
                                application.absent.push(("resources".to_owned(), entry.key.clone()));
                                continue;
                            }
                            Value::Bool(_) | Value::Array(_) | Value::Object(_) => BundleResource::Other,
                        };
                        application.resources.insert(entry.key.clone(), resource);
                    }
                }
                "options" => {
                    for entry in self.entries(node) {
                        match value_of(&entry.value) {
                            Value::Null => {
                                application.absent.push(("options".to_owned(), entry.key.clone()));
                            }
                            value @ (Value::Bool(_)
                            | Value::Number(_)
                            | Value::String(_)
                            | Value::Array(_)
                            | Value::Object(_)) => {
                                application.options.insert(entry.key.clone(), value);
                            }
                        }
                    }
                }
                "offers" => {
                    for entry in self.entries(node) {
                        if is_null(&entry.value) {
                            application.absent.push(("offers".to_owned(), entry.key.clone()));
                            continue;
                        }
                        let endpoints = entry.value.get("endpoints");
                        let access = entry.value.get("acl");
                        let offer = BundleOffer {
                            endpoints: endpoints.map(|node| self.texts(node)).unwrap_or_default(),
                            access: access.map(|node| self.text_map(node)).unwrap_or_default(),
                        };
                        application.offers.insert(entry.key.clone(), offer);
                    }
                }
                "exposed-endpoints" => {
                    for entry in self.entries(node) {
                        let spaces = entry.value.get("expose-to-spaces");
                        let cidrs = entry.value.get("expose-to-cidrs");
                        let exposed = ExposedEndpoint {
                            spaces: spaces.map(|node| self.texts(node)).unwrap_or_default(),
                            cidrs: cidrs.map(|node| self.texts(node)).unwrap_or_default(),
                        };
                        application.exposed_endpoints.insert(entry.key.clone(), exposed);
                    }
                }
                "plan" => {}
                unknown => self.unknown(entry.place.line, unknown, "applications"),
            }
        }
        let said = |count: Option<i64>| count.unwrap_or(0);
        if said(scale) > 0 && said(unit_count) > 0 {
            return Err(format!("cannot specify both scale and num_units for application {}", quote(name)));
        }
        application.unit_count = if said(scale) > 0 { said(scale) } else { said(unit_count) };
        if let Some(placement) = placement {
            if !application.to.is_empty() {
                return Err(format!("cannot specify both placement and to for application {}", quote(name)));
            }
            application.to = vec![placement];
        } else {
            application.fields.retain(|field| field != "placement");
        }
        Ok(application)
    }
}
