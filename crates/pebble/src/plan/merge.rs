//! How a later layer changes what earlier ones say.

use std::collections::BTreeMap;

use super::{Check, Context, ExecCheck, FormatError, HttpCheck, Layer, LogTarget, Service, TcpCheck, quoted};

/// Combines layers; later ones win. The result has no label and is not valid yet.
pub(crate) fn layers<'a>(layers: impl Iterator<Item = &'a Layer>) -> Result<Layer, FormatError> {
    let mut combined = Layer::default();
    for layer in layers {
        combined.summary.clone_from(&layer.summary);
        combined.description.clone_from(&layer.description);
        objects(&mut combined.services, &layer.services, &layer.label, "service")?;
        objects(&mut combined.checks, &layer.checks, &layer.label, "check")?;
        objects(&mut combined.log_targets, &layer.log_targets, &layer.label, "log target")?;
    }
    for check in combined.checks.values_mut().filter(|check| check.threshold == 0) {
        check.threshold = 3;
    }
    Ok(combined)
}

/// What layers hold by name.
trait Object: Clone {
    fn overrides(&self) -> &str;
    fn merge(&mut self, other: &Self);
}

fn objects<T: Object>(
    combined: &mut BTreeMap<String, T>,
    layer: &BTreeMap<String, T>,
    label: &str,
    kind: &str,
) -> Result<(), FormatError> {
    for (name, object) in layer {
        match object.overrides() {
            "merge" => match combined.get_mut(name) {
                Some(old) => old.merge(object),
                None => drop(combined.insert(name.clone(), object.clone())),
            },
            "replace" => drop(combined.insert(name.clone(), object.clone())),
            "" => {
                return Err(FormatError(format!(
                    "layer {} must define \"override\" for {kind} {}",
                    quoted(label),
                    quoted(name)
                )));
            }
            _ => {
                return Err(FormatError(format!(
                    "layer {} has invalid \"override\" value for {kind} {}",
                    quoted(label),
                    quoted(name)
                )));
            }
        }
    }
    Ok(())
}

fn set(own: &mut String, other: &str) {
    if !other.is_empty() {
        other.clone_into(own);
    }
}

fn set_option<T: Copy>(own: &mut Option<T>, other: Option<T>) {
    *own = other.or(*own);
}

fn extend(own: &mut BTreeMap<String, String>, other: &BTreeMap<String, String>) {
    own.extend(other.iter().map(|(key, value)| (key.clone(), value.clone())));
}

fn merge_option<T: Clone + Default>(own: &mut Option<T>, other: Option<&T>, merge: fn(&mut T, &T)) {
    if let Some(other) = other {
        merge(own.get_or_insert_default(), other);
    }
}

fn context(own: &mut Context, other: &Context) {
    *own = own.overridden(other);
}

impl Object for Service {
    fn overrides(&self) -> &str {
        &self.overrides
    }

    fn merge(&mut self, other: &Self) {
        set(&mut self.summary, &other.summary);
        set(&mut self.description, &other.description);
        set(&mut self.startup, &other.startup);
        set(&mut self.command, &other.command);
        // Lists grow, even by what they hold already.
        self.after.extend(other.after.iter().cloned());
        self.before.extend(other.before.iter().cloned());
        self.requires.extend(other.requires.iter().cloned());
        context(&mut self.context, &other.context);
        set(&mut self.on_success, &other.on_success);
        set(&mut self.on_failure, &other.on_failure);
        extend(&mut self.on_check_failure, &other.on_check_failure);
        set_option(&mut self.backoff_delay, other.backoff_delay);
        set_option(&mut self.backoff_factor, other.backoff_factor);
        set_option(&mut self.backoff_limit, other.backoff_limit);
        set_option(&mut self.kill_delay, other.kill_delay);
    }
}

impl Object for Check {
    fn overrides(&self) -> &str {
        &self.overrides
    }

    fn merge(&mut self, other: &Self) {
        set(&mut self.level, &other.level);
        set(&mut self.startup, &other.startup);
        set_option(&mut self.period, other.period);
        set_option(&mut self.timeout, other.timeout);
        if other.threshold != 0 {
            self.threshold = other.threshold;
        }
        merge_option(&mut self.http, other.http.as_ref(), |own: &mut HttpCheck, other| {
            set(&mut own.url, &other.url);
            extend(&mut own.headers, &other.headers);
        });
        merge_option(&mut self.tcp, other.tcp.as_ref(), |own: &mut TcpCheck, other| {
            if other.port != 0 {
                own.port = other.port;
            }
            set(&mut own.host, &other.host);
        });
        merge_option(&mut self.exec, other.exec.as_ref(), |own: &mut ExecCheck, other| {
            set(&mut own.command, &other.command);
            set(&mut own.service_context, &other.service_context);
            context(&mut own.context, &other.context);
        });
    }
}

impl Object for LogTarget {
    fn overrides(&self) -> &str {
        &self.overrides
    }

    fn merge(&mut self, other: &Self) {
        set(&mut self.kind, &other.kind);
        set(&mut self.location, &other.location);
        self.services.extend(other.services.iter().cloned());
        extend(&mut self.labels, &other.labels);
    }
}
