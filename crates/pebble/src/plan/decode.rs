//! From the tree of a layer's text to a [`Layer`], with the errors that Go's library would give.
//!
//! Pebble prints each section anew before it decodes it, so lines in errors count from the section's first.

use std::collections::BTreeMap;
use std::time::Duration;

use super::node::{self, Kind, Node, Value};
use super::{Check, Context, ExecCheck, FormatError, HttpCheck, Layer, LogTarget, Service, TcpCheck, quoted};
use crate::duration;

/// Reads a layer. It is valid by itself, but what the plan needs may be missing.
pub(crate) fn layer(label: &str, text: &str) -> Result<Layer, FormatError> {
    let failed = |error: &str| FormatError(format!("cannot parse layer {}: {error}", quoted(label)));
    let mut layer = Layer { label: label.to_owned(), ..Layer::default() };
    let entries = match node::parse(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        Err(error) => return Err(failed(&error)),
        Ok(None) => Vec::new(),
        Ok(Some(root)) => match root.value {
            Value::Map(entries) => entries,
            Value::Scalar { .. } if root.kind() == Kind::Null => Vec::new(),
            Value::Scalar { .. } | Value::List(_) => {
                let mut section = Section::new(root.line);
                section.mismatch(&root, "map[string]yaml.Node");
                return Err(failed(&section.error().unwrap_or_default()));
            }
        },
    };
    for (key, _, node) in &entries {
        let mut section = Section::new(node.line);
        match key.as_str() {
            "summary" => section.text(node, "string", &mut layer.summary),
            "description" => section.text(node, "string", &mut layer.description),
            "services" => {
                layer.services = section.objects(node, "plan.Service", Section::service);
            }
            "checks" => layer.checks = section.objects(node, "plan.Check", Section::check),
            "log-targets" => {
                layer.log_targets = section.objects(node, "plan.LogTarget", Section::log_target);
            }
            other => return Err(failed(&format!("unknown section {}", quoted(other)))),
        }
        if let Some(error) = section.error() {
            return Err(FormatError(format!(
                "cannot parse layer {} section {}: {error}",
                quoted(label),
                quoted(key)
            )));
        }
        if let Some(name) = section.nulls.first() {
            let (what, kind) = match key.as_str() {
                "services" => ("service object", "service"),
                "checks" => ("check object", "check"),
                _ => ("log target object", "log target"),
            };
            return Err(FormatError(format!("{what} cannot be null for {kind} {}", quoted(name))));
        }
    }
    super::validate::layer(&layer)?;
    Ok(layer)
}

/// What is wrong with a section.
struct Section {
    first_line: usize,
    mismatches: Vec<String>,
    /// An error that Go's library does not go on after.
    fatal: Option<String>,
    /// Objects that are null; refused when everything else is fine.
    nulls: Vec<String>,
}

impl Section {
    fn new(first_line: usize) -> Self {
        Self { first_line, mismatches: Vec::new(), fatal: None, nulls: Vec::new() }
    }

    fn error(&self) -> Option<String> {
        if self.fatal.is_some() {
            return self.fatal.clone();
        }
        let lines = self.mismatches.join("\n  ");
        (!lines.is_empty()).then(|| format!("yaml: unmarshal errors:\n  {lines}"))
    }

    fn line(&self, line: usize) -> usize {
        line.saturating_sub(self.first_line) + 1
    }

    fn mismatch(&mut self, node: &Node, wanted: &str) {
        let shown = match &node.value {
            Value::List(_) | Value::Map(_) => String::new(),
            Value::Scalar { text, .. } if text.chars().count() > 10 => {
                format!(" `{}...`", text.chars().take(7).collect::<String>())
            }
            Value::Scalar { text, .. } => format!(" `{text}`"),
        };
        let line = self.line(node.line);
        let tag = node.kind().tag();
        self.mismatches.push(format!("line {line}: cannot unmarshal {tag}{shown} into {wanted}"));
    }

    fn unknown(&mut self, line: usize, field: &str, kind: &str) {
        let line = self.line(line);
        self.mismatches.push(format!("line {line}: field {field} not found in type {kind}"));
    }

    /// Any scalar is text; null leaves the text as it is.
    fn text(&mut self, node: &Node, wanted: &str, into: &mut String) {
        match &node.value {
            Value::Scalar { .. } if node.kind() == Kind::Null => {}
            Value::Scalar { text, .. } => into.clone_from(text),
            Value::List(_) | Value::Map(_) => self.mismatch(node, wanted),
        }
    }

    fn int(&mut self, node: &Node) -> Option<i64> {
        match &node.value {
            Value::Scalar { text, .. } if node.kind() == Kind::Int => node::int(text),
            Value::Scalar { .. } if node.kind() == Kind::Null => None,
            Value::Scalar { .. } | Value::List(_) | Value::Map(_) => {
                self.mismatch(node, "int");
                None
            }
        }
    }

    fn duration(&mut self, node: &Node) -> Option<Duration> {
        match &node.value {
            Value::Scalar { .. } if node.kind() == Kind::Null => None,
            Value::Scalar { text, .. } => {
                if let Ok(duration) = duration::parse(text) {
                    Some(duration)
                } else {
                    self.fatal.get_or_insert_with(|| format!("invalid duration {}", quoted(text)));
                    None
                }
            }
            Value::List(_) | Value::Map(_) => {
                self.fatal.get_or_insert_with(|| "duration must be a YAML string".into());
                None
            }
        }
    }

    fn float(&mut self, node: &Node) -> Option<f64> {
        match &node.value {
            Value::Scalar { .. } if node.kind() == Kind::Null => None,
            Value::Scalar { text, .. } => {
                if let Ok(number) = text.parse::<f64>() {
                    Some(number)
                } else {
                    let message = format!("invalid floating-point number {}", quoted(text));
                    self.fatal.get_or_insert(message);
                    None
                }
            }
            Value::List(_) | Value::Map(_) => {
                self.fatal.get_or_insert_with(|| "value must be a YAML number".into());
                None
            }
        }
    }

    fn list(&mut self, node: &Node) -> Vec<String> {
        let items = match &node.value {
            Value::List(items) => items,
            Value::Scalar { .. } if node.kind() == Kind::Null => return Vec::new(),
            Value::Scalar { .. } | Value::Map(_) => {
                self.mismatch(node, "[]string");
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for item in items {
            let mut text = String::new();
            self.text(item, "string", &mut text);
            texts.push(text);
        }
        texts
    }

    fn entries<'a>(&mut self, node: &'a Node, wanted: &str) -> &'a [(String, usize, Node)] {
        match &node.value {
            Value::Map(entries) => entries,
            Value::Scalar { .. } if node.kind() == Kind::Null => &[],
            Value::Scalar { .. } | Value::List(_) => {
                self.mismatch(node, wanted);
                &[]
            }
        }
    }

    fn texts(&mut self, node: &Node, wanted: &str, item: &str) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (key, _, value) in self.entries(node, wanted) {
            let mut text = String::new();
            self.text(value, item, &mut text);
            texts.insert(key.clone(), text);
        }
        texts
    }

    fn objects<T: Default>(
        &mut self,
        node: &Node,
        kind: &str,
        read: fn(&mut Self, &Node) -> T,
    ) -> BTreeMap<String, T> {
        let mut objects = BTreeMap::new();
        for (name, _, value) in self.entries(node, &format!("map[string]*{kind}")) {
            if value.kind() == Kind::Null {
                self.nulls.push(name.clone());
            }
            objects.insert(name.clone(), read(self, value));
        }
        self.nulls.sort();
        objects
    }

    fn service(&mut self, node: &Node) -> Service {
        let mut service = Service::default();
        for (key, line, value) in self.entries(node, "plan.Service") {
            match key.as_str() {
                "summary" => self.text(value, "string", &mut service.summary),
                "description" => self.text(value, "string", &mut service.description),
                "startup" => self.text(value, "plan.ServiceStartup", &mut service.startup),
                "override" => self.text(value, "plan.Override", &mut service.overrides),
                "command" => self.text(value, "string", &mut service.command),
                "after" => service.after = self.list(value),
                "before" => service.before = self.list(value),
                "requires" => service.requires = self.list(value),
                "on-success" => self.text(value, "plan.ServiceAction", &mut service.on_success),
                "on-failure" => self.text(value, "plan.ServiceAction", &mut service.on_failure),
                "on-check-failure" => {
                    service.on_check_failure =
                        self.texts(value, "map[string]plan.ServiceAction", "plan.ServiceAction");
                }
                "backoff-delay" => service.backoff_delay = self.duration(value),
                "backoff-factor" => service.backoff_factor = self.float(value),
                "backoff-limit" => service.backoff_limit = self.duration(value),
                "kill-delay" => service.kill_delay = self.duration(value),
                other => {
                    if !self.context(other, value, &mut service.context) {
                        self.unknown(*line, other, "plan.Service");
                    }
                }
            }
        }
        service
    }

    /// Reads a key of a context; false if it is none.
    fn context(&mut self, key: &str, value: &Node, context: &mut Context) -> bool {
        match key {
            "environment" => context.environment = self.texts(value, "map[string]string", "string"),
            "user-id" => context.user_id = self.int(value),
            "user" => self.text(value, "string", &mut context.user),
            "group-id" => context.group_id = self.int(value),
            "group" => self.text(value, "string", &mut context.group),
            "working-dir" => self.text(value, "string", &mut context.working_dir),
            _ => return false,
        }
        true
    }

    fn check(&mut self, node: &Node) -> Check {
        let mut check = Check::default();
        for (key, line, value) in self.entries(node, "plan.Check") {
            let is_null = value.kind() == Kind::Null;
            match key.as_str() {
                "override" => self.text(value, "plan.Override", &mut check.overrides),
                "level" => self.text(value, "plan.CheckLevel", &mut check.level),
                "startup" => self.text(value, "plan.CheckStartup", &mut check.startup),
                "period" => check.period = self.duration(value),
                "timeout" => check.timeout = self.duration(value),
                "threshold" => check.threshold = self.int(value).unwrap_or_default(),
                "http" => check.http = (!is_null).then(|| self.http(value)),
                "tcp" => check.tcp = (!is_null).then(|| self.tcp(value)),
                "exec" => check.exec = (!is_null).then(|| self.exec(value)),
                other => self.unknown(*line, other, "plan.Check"),
            }
        }
        check
    }

    fn http(&mut self, node: &Node) -> HttpCheck {
        let mut check = HttpCheck::default();
        for (key, line, value) in self.entries(node, "plan.HTTPCheck") {
            match key.as_str() {
                "url" => self.text(value, "string", &mut check.url),
                "headers" => check.headers = self.texts(value, "map[string]string", "string"),
                other => self.unknown(*line, other, "plan.HTTPCheck"),
            }
        }
        check
    }

    fn tcp(&mut self, node: &Node) -> TcpCheck {
        let mut check = TcpCheck::default();
        for (key, line, value) in self.entries(node, "plan.TCPCheck") {
            match key.as_str() {
                "port" => check.port = self.int(value).unwrap_or_default(),
                "host" => self.text(value, "string", &mut check.host),
                other => self.unknown(*line, other, "plan.TCPCheck"),
            }
        }
        check
    }

    fn exec(&mut self, node: &Node) -> ExecCheck {
        let mut check = ExecCheck::default();
        for (key, line, value) in self.entries(node, "plan.ExecCheck") {
            match key.as_str() {
                "command" => self.text(value, "string", &mut check.command),
                "service-context" => self.text(value, "string", &mut check.service_context),
                other => {
                    if !self.context(other, value, &mut check.context) {
                        self.unknown(*line, other, "plan.ExecCheck");
                    }
                }
            }
        }
        check
    }

    fn log_target(&mut self, node: &Node) -> LogTarget {
        let mut target = LogTarget::default();
        for (key, line, value) in self.entries(node, "plan.LogTarget") {
            match key.as_str() {
                "type" => self.text(value, "plan.LogTargetType", &mut target.kind),
                "location" => self.text(value, "string", &mut target.location),
                "services" => target.services = self.list(value),
                "override" => self.text(value, "plan.Override", &mut target.overrides),
                "labels" => target.labels = self.texts(value, "map[string]string", "string"),
                other => self.unknown(*line, other, "plan.LogTarget"),
            }
        }
        target
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_pebble_does_not_understand_is_refused_in_its_words() {
        let check = |text: &str, expected: &str| {
            assert_eq!(layer("base", text).unwrap_err().to_string(), expected, "{text}");
        };
        check("foo: 1", "cannot parse layer \"base\": unknown section \"foo\"");
        check(
            "- a",
            "cannot parse layer \"base\": yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]yaml.Node",
        );
        check(
            "services:\n  a:\n    override: replace\n    comand: x\n    after: {}\n",
            "cannot parse layer \"base\" section \"services\": yaml: unmarshal errors:\n  \
             line 3: field comand not found in type plan.Service\n  \
             line 4: cannot unmarshal !!map into []string",
        );
        check(
            "services:\n  a: [1]\n",
            "cannot parse layer \"base\" section \"services\": yaml: unmarshal errors:\n  \
             line 1: cannot unmarshal !!seq into plan.Service",
        );
        check(
            "services:\n  a:\n    user-id: nobody at all\n",
            "cannot parse layer \"base\" section \"services\": yaml: unmarshal errors:\n  \
             line 2: cannot unmarshal !!str `nobody ...` into int",
        );
        check(
            "checks:\n  a:\n    period: soon\n",
            "cannot parse layer \"base\" section \"checks\": invalid duration \"soon\"",
        );
        check("services:\n  a:\n", "service object cannot be null for service \"a\"");
        check("checks: {a: null}", "check object cannot be null for check \"a\"");
    }

    #[test]
    fn scalars_are_text_where_text_is_wanted() {
        let layer = layer(
            "base",
            "services:\n  a:\n    command: 12\n    environment: {A: 1, B: true, C: 1.50, D: null}\n    user-id: 0x10\n",
        )
        .unwrap();
        let service = &layer.services["a"];
        assert_eq!(service.command, "12");
        let values: Vec<&str> = service.context.environment.values().map(String::as_str).collect();
        assert_eq!(values, ["1", "true", "1.50", ""]);
        assert_eq!(service.context.user_id, Some(16));
        assert_eq!(super::layer("base", "").unwrap().services.len(), 0);
    }

    proptest! {
        #[test]
        fn no_text_panics(
            keys in proptest::collection::vec("services|checks|log-targets|summary|a|override|command|after|period|exec|http|environment|threshold|: |- |\\[|\\{|\n|  |1|null|'|\"", 0..40)
        ) {
            let _ = layer("base", &keys.concat());
        }
    }
}
