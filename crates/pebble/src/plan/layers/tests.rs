//! Merging as people meet it: layers in, the plan or Pebble's refusal out.

use super::*;

/// Adds layers, each `label` or `label+` (to combine) on a line of its own behind `== `.
fn plan(text: &str) -> String {
    let mut layers = Layers::default();
    let mut said = String::new();
    for part in text.split("== ").skip(1) {
        let (label, yaml) = part.split_once('\n').unwrap_or((part, ""));
        let (label, combine) = match label.strip_suffix('+') {
            Some(label) => (label, true),
            None => (label, false),
        };
        if let Err(error) = layers.add(label, yaml, combine, false) {
            said.push_str(&format!("error: {error}\n"));
        }
    }
    said + &layers.plan().to_yaml()
}

#[test]
fn an_empty_plan_is_an_empty_mapping() {
    insta::assert_snapshot!(plan(""));
}

#[test]
fn merge_adds_and_replace_replaces() {
    insta::assert_snapshot!(plan(
        "\
== base
services:
  web:
    override: replace
    summary: The web
    command: web --port 80 [ --debug ]
    startup: enabled
    after: [db]
    requires: [db]
    environment: {A: '1', B: two}
    on-check-failure: {up: restart}
    backoff-delay: 1m30s
    backoff-factor: 2.50
    user-id: 584792
  db:
    override: replace
    command: db
  svc10: {override: replace, command: x}
  svc2: {override: replace, command: y}
checks:
  up:
    override: replace
    http: {url: 'http://localhost:80/', headers: {Accept: x}}
log-targets:
  loki:
    override: replace
    type: loki
    location: https://example.com
    services: [all, -db]
    labels: {env: $ENV, num: 12}
== more
summary: more
services:
  web:
    override: merge
    after: [db]
    environment: {B: three, C: 'yes'}
    kill-delay: 10s
    on-success: ignore
  db:
    override: replace
    command: db2 'a b'
checks:
  up:
    override: merge
    period: 1500ms
    http: {headers: {X: y}}
"
    ));
}

#[test]
fn layers_with_one_label_are_combined_or_refused() {
    insta::assert_snapshot!(plan(
        "\
== base
services: {a: {override: replace, command: one, startup: enabled}}
== base
services: {a: {override: replace, command: two}}
== top
services: {a: {override: merge, command: three}}
== base+
services: {a: {override: merge, command: four}, b: {override: merge, command: five}}
"
    ));
}

#[test]
fn what_is_not_valid_changes_nothing() {
    insta::assert_snapshot!(plan(
        "\
== base
services: {a: {override: replace, command: one}}
== no-override
services: {a: {command: two}}
== odd-override
checks: {c: {override: mix, exec: {command: x}}}
== no-command
services: {b: {override: merge, startup: enabled}}
== bad-command
services: {b: {override: merge, command: 'a \"b'}}
== nested
services: {b: {override: merge, command: 'a [ b [ c ] ]'}}
== action
services: {b: {override: merge, command: a, on-failure: failure-shutdown}}
== factor
services: {b: {override: merge, command: a, backoff-factor: 0.5}}
== pebble-x
services: {}
== reserved
services: {pebble: {override: replace, command: a}}
== dash
services: {-a: {override: replace, command: a}}
== level
checks: {c: {override: replace, level: well, exec: {command: x}}}
== period
checks: {c: {override: replace, period: 0s, exec: {command: x}}}
== no-kind
checks: {c: {override: replace}}
== two-kinds
checks: {c: {override: replace, tcp: {port: 1}, exec: {command: x}}}
== no-url
checks: {c: {override: replace, http: {}}}
== no-port
checks: {c: {override: replace, tcp: {host: x}}}
== context
checks: {c: {override: replace, exec: {command: x, service-context: none}}}
== target-type
log-targets: {t: {override: replace, type: kafka, location: x}}
== target-none
log-targets: {t: {override: replace, location: x}}
== target-label
log-targets: {t: {override: replace, type: loki, location: x, labels: {pebble_x: y}}}
== target-service
log-targets: {t: {override: replace, type: loki, location: x, services: [b]}}
== target-location
log-targets: {t: {override: replace, type: loki, services: [a]}}
== loop
services:
  a: {override: merge, after: [b]}
  b: {override: replace, command: x, after: [a]}
"
    ));
}

#[test]
fn a_layer_of_a_folder_goes_behind_the_others_of_it() {
    let layer = |command: &str| format!("services: {{a: {{override: replace, command: {command}}}}}");
    let mut layers = Layers::default();
    for label in ["x", "dir/a", "y"] {
        layers.add(label, &layer(label), false, false).unwrap();
    }
    assert_eq!(layers.add("dir/b", &layer("b"), false, false), Err(AddError::NotInner));
    layers.add("dir/b", &layer("b"), false, true).unwrap();
    let places: Vec<(u32, &str)> =
        layers.layers.iter().map(|layer| (layer.order, layer.label.as_str())).collect();
    assert_eq!(places, [(1000, "x"), (2001, "dir/a"), (2002, "dir/b"), (3000, "y")]);
    assert_eq!(layers.plan().services["a"].command, "y");
}

#[test]
fn names_of_layer_files_say_order_and_label() {
    let check = |name: &str, expected: Option<(u32, &str)>| {
        assert_eq!(read_layer_name(name, ".yaml"), expected, "{name}");
    };
    check("001-base.yaml", Some((1, "base")));
    check("020-my-layer2.yaml", Some((20, "my-layer2")));
    check("1-base.yaml", None);
    check("001-ab.yaml", None);
    check("001-a--b.yaml", None);
    check("001-Base.yaml", None);
    check("001-base.d", None);
    check("base.yaml", None);
}
