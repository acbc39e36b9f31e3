//! What is wrong with a bundle, in the words of Juju.
//!
//! Things are gone through by name, so that the same errors always come in the same order.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use crate::bundle::BundleFiles;
use crate::bundle::charm_name::CharmSource;
use crate::bundle::compose::clean;
use crate::bundle::data::{Bundle, BundleApplication, BundleResource};
use crate::names::{OfferUrl, is_application, is_relation_endpoint, is_storage_label};
use crate::values::channel::Base;
use crate::values::constraints::Constraints;
use crate::values::go::{quote, quote_all};
use crate::values::settings::parse_attributes;
use crate::values::storage::{DeviceConstraints, StorageConstraints};

/// Checks a bundle. The base of several documents may not ask for an image.
pub(crate) fn verify(
    bundle: &Bundle,
    directory: &Utf8Path,
    files: &dyn BundleFiles,
    is_base: bool,
) -> Result<(), String> {
    let mut verifier = Verifier {
        bundle,
        directory,
        files,
        is_base,
        errors: Vec::new(),
        placements: bundle.machines.keys().map(|id| (id.as_str(), 0)).collect(),
    };
    verifier.verify_series_and_bases();
    verifier.verify_bundle();
    verifier.verify_saas();
    verifier.verify_machines();
    verifier.verify_applications();
    verifier.verify_relations();
    for (id, count) in verifier.placements {
        if count == 0 {
            verifier
                .errors
                .push(format!("machine {} is not referred to by a placement directive", quote(id)));
        }
    }
    if verifier.errors.is_empty() {
        return Ok(());
    }
    Err(format!("the provided bundle has the following errors:\n{}", verifier.errors.join("\n")))
}

/// A placement of a unit in a bundle: `mysql`, `mysql/0`, `0`, `lxd:0`, `new`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitPlacement {
    /// The kind of a new container.
    pub(crate) container: Option<String>,
    /// Where.
    pub(crate) place: Place,
}

/// Where a unit is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A new machine.
    New,
    /// A machine of the bundle.
    Machine(String),
    /// Where the next unit of an application is that has none of this application's beside it.
    Application(String),
    /// Where a unit is.
    Unit(String, i64),
}

/// Reads where a unit is placed.
pub(crate) fn parse_unit_placement(text: &str) -> Result<UnitPlacement, String> {
    let refused = || format!("invalid placement syntax {}", quote(text));
    let (container, target) = match text.split_once(':') {
        Some((kind, target)) => {
            let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
            if !is_kind {
                return Err(refused());
            }
            (Some(kind.to_owned()), target)
        }
        None => (None, text),
    };
    let is_number = |text: &str| {
        text == "0"
            || (!text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let place = match target.split_once('/') {
        Some((application, unit))
            if is_application(application) && is_number(unit) && application != "new" =>
        {
            Place::Unit(application.to_owned(), unit.parse().map_err(|_| refused())?)
        }
        None if target == "new" => Place::New,
        None if is_number(target) => Place::Machine(target.to_owned()),
        None if is_application(target) => Place::Application(target.to_owned()),
        Some(_) | None => return Err(refused()),
    };
    Ok(UnitPlacement { container, place })
}

struct Verifier<'a> {
    bundle: &'a Bundle,
    directory: &'a Utf8Path,
    files: &'a dyn BundleFiles,
    is_base: bool,
    errors: Vec<String>,
    /// How often units are placed on each machine of the bundle.
    placements: BTreeMap<&'a str, usize>,
}

impl Verifier<'_> {
    fn add(&mut self, error: impl Into<String>) {
        self.errors.push(error.into());
    }

    fn constraints(&self, text: &str) -> Result<(), String> {
        let constraints = Constraints::parse(&[text])?;
        if self.is_base && constraints.image_id.is_some_and(|image| !image.is_empty()) {
            return Err("'image-id' constraint in a base bundle not supported".to_owned());
        }
        Ok(())
    }

    /// Only the first that does not match is told of.
    fn verify_series_and_bases(&mut self) {
        let machines = self.bundle.machines.iter().map(|(id, machine)| {
            (format!("machine {} series", quote(id)), machine.series.as_str(), machine.base.as_str())
        });
        let applications = self.bundle.applications.iter().map(|(name, application)| {
            let what = format!("application {} series", quote(name));
            (what, application.series.as_str(), application.base.as_str())
        });
        let of_bundle =
            ("bundle series".to_owned(), self.bundle.series.as_str(), self.bundle.default_base.as_str());
        let both = std::iter::once(of_bundle).chain(machines).chain(applications);
        let wrong = both.filter(|(_, series, base)| !series.is_empty() && !base.is_empty()).find_map(
            |(what, series, base)| match Base::parse(base) {
                Err(reason) => Some(reason),
                Ok(parsed) if parsed.series() == Some(series) => None,
                Ok(_) => Some(format!(
                    "{what} {} and base {} must match if both supplied",
                    quote(series),
                    quote(base)
                )),
            },
        );
        if let Some(wrong) = wrong {
            self.add(wrong);
        }
    }

    fn verify_bundle(&mut self) {
        let bundle = self.bundle;
        if !matches!(bundle.kind.as_str(), "" | "kubernetes") {
            self.add(format!("bundle has an invalid type {}", quote(&bundle.kind)));
        }
        if bundle.kind == "kubernetes" && !bundle.machines.is_empty() {
            self.add("bundle machines not valid for Kubernetes bundles");
            self.placements.clear();
        }
        if !bundle.series.is_empty() && !is_series(&bundle.series) {
            self.add(format!("bundle declares an invalid series {}", quote(&bundle.series)));
        }
        if !bundle.default_base.is_empty() && Base::parse(&bundle.default_base).is_err() {
            self.add(format!("bundle declares an invalid base {}", quote(&bundle.default_base)));
        }
    }

    fn verify_saas(&mut self) {
        for (name, url) in &self.bundle.saas {
            let quoted = quote(name);
            if self.bundle.applications.contains_key(name) {
                self.add(format!("application {quoted} already exists with SAAS {quoted} name"));
            }
            if !is_application(name) {
                self.add(format!("invalid SAAS name {quoted} found"));
            }
            if !url.is_empty() && OfferUrl::parse(url).is_err() {
                self.add(format!("invalid offer URL {} for SAAS {name}", quote(url)));
            }
        }
    }

    fn verify_machines(&mut self) {
        if self.bundle.kind == "kubernetes" {
            return;
        }
        for (id, machine) in &self.bundle.machines {
            let quoted = quote(id);
            if !matches!(
                parse_unit_placement(id),
                Ok(UnitPlacement { container: None, place: Place::Machine(_) })
            ) {
                self.add(format!("invalid machine id {quoted} found in machines"));
            }
            if let Err(reason) = self.constraints(&machine.constraints) {
                let constraints = quote(&machine.constraints);
                self.add(format!("invalid constraints {constraints} in machine {quoted}: {reason}"));
            }
            if !machine.series.is_empty() && !is_series(&machine.series) {
                self.add(format!("invalid series {} for machine {quoted}", quote(&machine.series)));
            }
            if !machine.base.is_empty() && Base::parse(&machine.base).is_err() {
                self.add(format!("invalid base {} for machine {quoted}", quote(&machine.base)));
            }
        }
    }

    fn verify_applications(&mut self) {
        if self.bundle.applications.is_empty() && self.bundle.absent_applications.is_empty() {
            self.add("at least one application must be specified");
            return;
        }
        for name in &self.bundle.absent_applications {
            // What an overlay names and no more is gone; only the bundle itself may not do so.
            if self.is_base {
                self.add(format!("bundle application for key {} is undefined", quote(name)));
            }
        }
        for (name, application) in &self.bundle.applications {
            self.verify_charm(name, application);
            self.verify_wishes(name, application);
            self.verify_offers(name, application);
            for (resource, value) in &application.resources {
                if resource.is_empty() {
                    self.add(format!("missing resource name on application {}", quote(name)));
                }
                if *value == BundleResource::Other {
                    self.add(format!("resource revision {} is not int or string", quote(name)));
                }
            }
            if application.unit_count < 0 {
                self.add(format!("negative number of units specified on application {}", quote(name)));
            }
            if self.bundle.kind == "kubernetes" {
                self.verify_node_selector(name, &application.to);
            } else {
                self.verify_placement(name, application.unit_count, &application.to);
            }
            self.verify_exposure(name, application);
        }
    }

    fn verify_charm(&mut self, name: &str, application: &BundleApplication) {
        let quoted = quote(name);
        if application.charm.is_empty() {
            self.add("empty charm path");
        }
        if self.bundle.saas.contains_key(name) {
            self.add(format!("SAAS {quoted} already exists with application {quoted} name"));
        }
        match CharmSource::parse(&application.charm) {
            Ok(CharmSource::Path(path)) => {
                let path = clean(&self.directory.join(path));
                if !self.files.exists(&path) {
                    self.add(format!("charm path in application {quoted} does not exist: {path}"));
                }
            }
            Ok(CharmSource::Charmhub { name: charm, revision }) => {
                if let Some(revision) = revision {
                    let url = quote(&format!("ch:{charm}-{revision}"));
                    self.add(format!("cannot specify revision in {url}, please use revision"));
                }
                if application.revision.is_some() && application.channel.is_empty() {
                    self.add(format!(
                        "application {quoted} with a revision requires a channel for future upgrades, please use channel"
                    ));
                }
                if application.revision.is_some_and(|revision| revision < 0) {
                    self.add(format!("the revision for application {quoted} must be zero or greater"));
                }
            }
            Ok(CharmSource::Local { .. }) => {}
            Err(reason) => self.add(format!("invalid charm URL in application {quoted}: {reason}")),
        }
        if !application.series.is_empty() && !is_series(&application.series) {
            let series = quote(&application.series);
            self.add(format!("application {quoted} declares an invalid series {series}"));
        }
        if !application.base.is_empty() && Base::parse(&application.base).is_err() {
            self.add(format!("application {quoted} declares an invalid base {}", quote(&application.base)));
        }
    }

    fn verify_wishes(&mut self, name: &str, application: &BundleApplication) {
        let quoted = quote(name);
        if let Err(reason) = self.constraints(&application.constraints) {
            let constraints = quote(&application.constraints);
            self.add(format!("invalid constraints {constraints} in application {quoted}: {reason}"));
        }
        for (label, constraints) in &application.storage {
            if !is_storage_label(label) {
                self.add(format!("invalid storage name {} in application {quoted}", quote(label)));
            }
            if let Err(reason) = StorageConstraints::parse(constraints) {
                self.add(format!("invalid storage {} in application {quoted}: {reason}", quote(label)));
            }
        }
        for (label, constraints) in &application.devices {
            if !is_application(label) {
                self.add(format!("invalid device name {} in application {quoted}", quote(label)));
            }
            if let Err(reason) = DeviceConstraints::parse(constraints) {
                self.add(format!("invalid device {} in application {quoted}: {reason}", quote(label)));
            }
        }
    }

    fn verify_offers(&mut self, name: &str, application: &BundleApplication) {
        let quoted = quote(name);
        for (offer, details) in &application.offers {
            if !is_application(offer) {
                self.add(format!("invalid offer name {} in application {quoted}", quote(offer)));
            }
            for endpoint in details.endpoints.iter().filter(|endpoint| !is_relation_endpoint(endpoint)) {
                self.add(format!(
                    "invalid endpoint name {} for offer {} in application {quoted}",
                    quote(endpoint),
                    quote(offer)
                ));
            }
        }
    }

    fn verify_exposure(&mut self, name: &str, application: &BundleApplication) {
        let quoted = quote(name);
        if application.is_exposed && !application.exposed_endpoints.is_empty() {
            self.add(format!(
                "exposed-endpoints cannot be specified together with \"exposed:true\" in application {quoted} as \
                 this poses a security risk when deploying bundles to older controllers"
            ));
            return;
        }
        for (endpoint, exposed) in &application.exposed_endpoints {
            for cidr in exposed.cidrs.iter().filter(|cidr| !crate::values::is_cidr(cidr)) {
                self.add(format!(
                    "invalid CIDR {} for expose to CIDRs field for endpoint {} in application {quoted}",
                    quote(cidr),
                    quote(endpoint)
                ));
            }
        }
    }

    fn verify_placement(&mut self, name: &str, unit_count: i64, to: &[String]) {
        if unit_count >= 0 && i64::try_from(to.len()).is_ok_and(|count| count > unit_count) {
            self.add(format!("too many units specified in unit placement for application {}", quote(name)));
        }
        for text in to {
            let placement = match parse_unit_placement(text) {
                Ok(placement) => placement,
                Err(reason) => {
                    self.add(reason);
                    continue;
                }
            };
            let quoted = quote(text);
            match placement.place {
                Place::Machine(id) => match self.placements.get_mut(id.as_str()) {
                    Some(count) => *count += 1,
                    None => {
                        self.add(format!(
                            "placement {quoted} refers to a machine not defined in this bundle"
                        ));
                    }
                },
                Place::Application(application) | Place::Unit(application, _)
                    if !self.bundle.applications.contains_key(&application) =>
                {
                    self.add(format!(
                        "placement {quoted} refers to an application not defined in this bundle"
                    ));
                }
                Place::New | Place::Application(_) => {}
                Place::Unit(application, unit) => {
                    let count = self.bundle.applications[&application].unit_count;
                    if unit >= count {
                        self.add(format!(
                            "placement {quoted} specifies a unit greater than the {count} unit(s) started by the \
                             target application"
                        ));
                    }
                }
            }
        }
    }

    fn verify_node_selector(&mut self, name: &str, to: &[String]) {
        match to {
            [] => {}
            [selector] => {
                let pairs: Vec<&str> = selector.split(',').collect();
                if let Err(reason) = parse_attributes(&pairs) {
                    self.add(format!("{reason} for application {}", quote(name)));
                }
            }
            _several => {
                self.add(format!("too many placement directives for application {}", quote(name)));
            }
        }
    }

    fn verify_relations(&mut self) {
        let mut seen: BTreeSet<[(String, String); 2]> = BTreeSet::new();
        for relation in &self.bundle.relations {
            let quoted = quote_all(relation);
            let [one, other] = relation.as_slice() else {
                self.add(format!("relation {quoted} has {} endpoint(s), not 2", relation.len()));
                continue;
            };
            let mut pair: Vec<(String, String)> = Vec::new();
            for text in [one, other] {
                match parse_endpoint(text) {
                    Err(reason) => self.add(reason),
                    Ok(endpoint) => {
                        self.verify_endpoint(&endpoint.0, &quoted);
                        pair.push(endpoint);
                    }
                }
            }
            let Ok(mut pair) = <[(String, String); 2]>::try_from(pair) else { continue };
            if pair[0].0 == pair[1].0 {
                self.add(format!("relation {quoted} relates an application to itself"));
            }
            pair.sort();
            if !seen.insert(pair) {
                self.add(format!("relation {quoted} is defined more than once"));
            }
        }
    }

    fn verify_endpoint(&mut self, application: &str, relation: &str) {
        let is_application = self.bundle.applications.contains_key(application);
        let is_saas = self.bundle.saas.contains_key(application);
        let quoted = quote(application);
        if !is_application && !is_saas {
            self.add(format!(
                "relation {relation} refers to application {quoted} not defined in this bundle"
            ));
        }
        if is_application && is_saas {
            self.add(format!(
                "ambiguous relation {quoted} refers to a application and a SAAS in this bundle"
            ));
        }
    }
}

/// The application and the endpoint, which may be missing.
fn parse_endpoint(text: &str) -> Result<(String, String), String> {
    let (application, endpoint) = match text.split_once(':') {
        Some((application, endpoint)) if is_relation_endpoint(endpoint) => (application, endpoint),
        Some(_) => return Err(format!("invalid relation syntax {}", quote(text))),
        None => (text, ""),
    };
    if !is_application(application) {
        return Err(format!("invalid relation syntax {}", quote(text)));
    }
    Ok((application.to_owned(), endpoint.to_owned()))
}

fn is_series(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
