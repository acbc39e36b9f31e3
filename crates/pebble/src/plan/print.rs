//! The plan as Pebble prints it: which keys, and in which order.

use std::collections::BTreeMap;
use std::time::Duration;

use super::yaml::{self, Yaml, compare_keys};
use super::{Check, Context, LogTarget, Plan, Service};
use crate::duration;

impl Plan {
    /// Prints the plan.
    pub(crate) fn to_yaml(&self) -> String {
        let mut root = Fields::default();
        root.objects("services", &self.services, service);
        root.objects("checks", &self.checks, check);
        root.objects("log-targets", &self.log_targets, log_target);
        yaml::print(&Yaml::Map(root.0))
    }
}

/// The keys of a mapping; what is not set is left out.
#[derive(Default)]
struct Fields(Vec<(String, Yaml)>);

impl Fields {
    fn add(&mut self, key: &str, value: Yaml) {
        self.0.push((key.to_owned(), value));
    }

    fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.add(key, Yaml::Text(text.to_owned()));
        }
    }

    fn number(&mut self, key: &str, number: Option<impl ToString>) {
        if let Some(number) = number {
            self.add(key, Yaml::Number(number.to_string()));
        }
    }

    fn duration(&mut self, key: &str, duration: Option<Duration>) {
        if let Some(duration) = duration {
            self.text(key, &duration::print(duration));
        }
    }

    fn list(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.add(key, list(texts));
        }
    }

    fn texts(&mut self, key: &str, texts: &BTreeMap<String, String>) {
        self.objects(key, texts, |text| Yaml::Text(text.clone()));
    }

    fn objects<T>(&mut self, key: &str, objects: &BTreeMap<String, T>, print: fn(&T) -> Yaml) {
        if !objects.is_empty() {
            let mut entries: Vec<(String, Yaml)> =
                objects.iter().map(|(name, object)| (name.clone(), print(object))).collect();
            entries.sort_by(|(a, _), (b, _)| compare_keys(a, b));
            self.add(key, Yaml::Map(entries));
        }
    }

    fn context(&mut self, context: &Context) {
        self.texts("environment", &context.environment);
        self.number("user-id", context.user_id);
        self.text("user", &context.user);
        self.number("group-id", context.group_id);
        self.text("group", &context.group);
        self.text("working-dir", &context.working_dir);
    }
}

fn list(texts: &[String]) -> Yaml {
    Yaml::List(texts.iter().cloned().map(Yaml::Text).collect())
}

fn service(service: &Service) -> Yaml {
    let mut fields = Fields::default();
    fields.text("summary", &service.summary);
    fields.text("description", &service.description);
    fields.text("startup", &service.startup);
    fields.text("override", &service.overrides);
    fields.text("command", &service.command);
    fields.list("after", &service.after);
    fields.list("before", &service.before);
    fields.list("requires", &service.requires);
    fields.context(&service.context);
    fields.text("on-success", &service.on_success);
    fields.text("on-failure", &service.on_failure);
    fields.texts("on-check-failure", &service.on_check_failure);
    fields.duration("backoff-delay", service.backoff_delay);
    fields.number("backoff-factor", service.backoff_factor);
    fields.duration("backoff-limit", service.backoff_limit);
    fields.duration("kill-delay", service.kill_delay);
    Yaml::Map(fields.0)
}

fn check(check: &Check) -> Yaml {
    let mut fields = Fields::default();
    fields.text("override", &check.overrides);
    fields.text("level", &check.level);
    fields.text("startup", &check.startup);
    fields.duration("period", check.period);
    fields.duration("timeout", check.timeout);
    fields.number("threshold", Some(check.threshold).filter(|threshold| *threshold != 0));
    if let Some(http) = &check.http {
        let mut inner = Fields::default();
        inner.text("url", &http.url);
        inner.texts("headers", &http.headers);
        fields.add("http", Yaml::Map(inner.0));
    }
    if let Some(tcp) = &check.tcp {
        let mut inner = Fields::default();
        inner.number("port", Some(tcp.port).filter(|port| *port != 0));
        inner.text("host", &tcp.host);
        fields.add("tcp", Yaml::Map(inner.0));
    }
    if let Some(exec) = &check.exec {
        let mut inner = Fields::default();
        inner.text("command", &exec.command);
        inner.text("service-context", &exec.service_context);
        inner.context(&exec.context);
        fields.add("exec", Yaml::Map(inner.0));
    }
    Yaml::Map(fields.0)
}

fn log_target(target: &LogTarget) -> Yaml {
    let mut fields = Fields::default();
    // These three are printed even when they are empty.
    fields.add("type", Yaml::Text(target.kind.clone()));
    fields.add("location", Yaml::Text(target.location.clone()));
    fields.add("services", list(&target.services));
    fields.text("override", &target.overrides);
    fields.texts("labels", &target.labels);
    Yaml::Map(fields.0)
}
