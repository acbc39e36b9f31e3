//! The files that Juju reads and charmcraft writes: metadata.yaml, config.yaml, actions.yaml and
//! manifest.yaml.
//!
//! A file that the charm has is taken as it is; what only charmcraft.yaml says is written.

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_charm::yaml::{self, Node};
use charmproof_charm::{Broken, Tree};
use serde_json::{Map, Value, json};

use crate::recipe::Platform;
use crate::values::json_of;

/// What of charmcraft.yaml belongs into metadata.yaml.
const METADATA: [&str; 22] = [
    "name",
    "summary",
    "description",
    "maintainers",
    "assumes",
    "charm-user",
    "containers",
    "devices",
    "display-name",
    "docs",
    "extra-bindings",
    "issues",
    "peers",
    "provides",
    "requires",
    "resources",
    "series",
    "source",
    "storage",
    "subordinate",
    "terms",
    "website",
];

/// Returns the files with their texts.
pub fn declarations(
    tree: &dyn Tree,
    platform: Option<&Platform>,
) -> Result<Vec<(Utf8PathBuf, String)>, Broken> {
    let file = Utf8Path::new("charmcraft.yaml");
    let root = tree.read(file).map(|text| yaml::parse(file, &text)).transpose()?.map(|(root, _)| root);
    let mut files = Vec::new();
    let part = |key: &str| root.as_ref().and_then(|root| root.get(key)).map(json_of);
    let written = [
        ("metadata.yaml", root.as_ref().and_then(metadata)),
        ("config.yaml", part("config")),
        ("actions.yaml", part("actions")),
    ];
    for (name, said) in written {
        let own = tree.read(Utf8Path::new(name));
        let text = own.or_else(|| said.filter(|value| !is_empty(value)).map(|value| text(&value)));
        files.extend(text.map(|text| (Utf8PathBuf::from(name), text)));
    }
    if let Some(platform) = platform {
        files.push(("manifest.yaml".into(), text(&manifest(platform))));
    }
    Ok(files)
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

fn metadata(root: &Node) -> Option<Value> {
    let Value::Object(mut all) = json_of(root) else { return None };
    if let Some(title) = all.remove("title") {
        all.insert("display-name".into(), title);
    }
    if let Some(Value::Object(mut links)) = all.remove("links") {
        for (link, key) in [("documentation", "docs"), ("contact", "maintainers")] {
            if let Some(value) = links.remove(link) {
                let is_one = key == "maintainers" && value.is_string();
                all.insert(key.into(), if is_one { json!([value]) } else { value });
            }
        }
        all.extend(links);
    }
    all.retain(|key, value| METADATA.contains(&key.as_str()) && !value.is_null());
    Some(Value::Object(all))
}

/// Juju takes the bases from it, and without it takes a charm to be of an older form.
fn manifest(platform: &Platform) -> Value {
    let bases: Vec<Value> = platform
        .runs_on
        .iter()
        .map(|(base, architectures)| {
            json!({ "name": base.name, "channel": base.channel, "architectures": architectures })
        })
        .collect();
    json!({ "bases": bases, "analysis": { "attributes": [] } })
}

fn text(value: &Value) -> String {
    // JSON is YAML, for whatever the writer may not be able to say.
    serde_saphyr::to_string(value).unwrap_or_else(|_| value.to_string())
}

#[cfg(test)]
mod tests {
    use charmproof_charm::MemoryTree;
    use charmproof_charm::metadata::Base;

    use super::*;

    fn check(fixture: &str, name: &str, expected: &Value) {
        let tree = MemoryTree::from_fixture(fixture);
        let platform = Platform {
            label: "amd64".into(),
            base: Base { name: "ubuntu".into(), channel: "24.04".into() },
            built_on: Vec::new(),
            runs_on: vec![(Base { name: "ubuntu".into(), channel: "24.04".into() }, vec!["amd64".into()])],
        };
        let files = declarations(&tree, Some(&platform)).unwrap();
        let text = files.iter().find(|(file, _)| file == name).map_or("", |(_, text)| text);
        let (read, notes) = yaml::parse(Utf8Path::new(name), text).unwrap();
        assert_eq!((json_of(&read), notes.len()), (expected.clone(), 0), "{text}");
    }

    #[test]
    fn what_charmcraft_yaml_says_is_spread_over_the_files() {
        let charm = "--- charmcraft.yaml\nname: a\ntitle: A charm\nsummary: s\ndescription: |\n  d: 1\n  - e\n\
            type: charm\nbase: ubuntu@24.04\nplatforms: {amd64: }\nparts: {charm: {plugin: uv}}\n\
            links: {documentation: https://a.example, contact: me, website: [https://b.example]}\n\
            requires: {db: {interface: pg, limit: 1, optional: true}}\nassumes: [juju >= 3.1]\n\
            config: {options: {port: {type: int, default: 80}, word: {type: string, default: 'yes'}}}\n\
            actions: {}\n";
        check(
            charm,
            "metadata.yaml",
            &json!({
                "name": "a", "display-name": "A charm", "summary": "s", "description": "d: 1\n- e\n",
                "docs": "https://a.example", "maintainers": ["me"], "website": ["https://b.example"],
                "requires": {"db": {"interface": "pg", "limit": 1, "optional": true}},
                "assumes": ["juju >= 3.1"],
            }),
        );
        check(
            charm,
            "config.yaml",
            &json!({"options": {"port": {"type": "int", "default": 80}, "word": {"type": "string", "default": "yes"}}}),
        );
        check(charm, "actions.yaml", &json!({}));
        check(
            charm,
            "manifest.yaml",
            &json!({
                "bases": [{"name": "ubuntu", "channel": "24.04", "architectures": ["amd64"]}],
                "analysis": {"attributes": []},
            }),
        );
    }

    #[test]
    fn files_that_are_there_stay() {
        let charm = "--- charmcraft.yaml\ntype: charm\n--- metadata.yaml\nname: b\n# a remark\n";
        check(charm, "metadata.yaml", &json!({"name": "b"}));
    }

    #[test]
    fn texts_that_look_like_something_else_stay_texts() {
        for word in [
            "yes",
            "no",
            "on",
            "1",
            "1.5",
            "~",
            "null",
            "",
            " a",
            "a: b",
            "# a",
            "- a",
            "'",
            "\"",
            "a\nb",
            "0x1f",
            "1e3",
            "2026-01-01",
            "=",
            "<<",
            "é",
            "\u{7}",
        ] {
            let value = json!({ "key": word, word: "value" });
            let text = text(&value);
            let (read, _) = yaml::parse(Utf8Path::new("a.yaml"), &text).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(json_of(&read), value, "{text}");
        }
    }
}
