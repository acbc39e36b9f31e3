//! What Juju or charmcraft refuses, with the place and the hint.

use super::*;
use crate::MemoryTree;

const HEAD: &str = "type: charm\nname: web\nsummary: s\ndescription: d\n";

/// Shows the notes on sections that stand from line 1 on, without the name of
/// the file. Remarks are marked.
fn shown(file: CharmFile, sections: &str) -> Vec<String> {
    // In one line, so that the sections keep their lines.
    let head = HEAD.trim_end().replace('\n', ", ");
    let metadata = match file {
        CharmFile::Charmcraft => of_charmcraft(&format!("{sections}\n{HEAD}")),
        CharmFile::Metadata => {
            let text = format!("{sections}\n{HEAD}").replace("type: charm\n", "");
            CharmMetadata::parse(CharmTexts { metadata: Some(&text), ..CharmTexts::default() })
        }
        CharmFile::Config | CharmFile::Actions => {
            let charmcraft = format!("{{{head}}}\n");
            let texts = CharmTexts { charmcraft: Some(&charmcraft), ..CharmTexts::default() };
            let is_config = file == CharmFile::Config;
            CharmMetadata::parse(CharmTexts {
                config: is_config.then_some(sections),
                actions: (!is_config).then_some(sections),
                ..texts
            })
        }
    };
    check_notes(&metadata);
    let line = |note: &Note| {
        let text = note.to_string().replacen(&format!("{}:", file.name()), "", 1);
        let hint = note.hint.as_ref().map_or_else(String::new, |hint| format!(" => {hint}"));
        format!("{}{text}{hint}", if note.is_error() { "" } else { "remark " })
    };
    metadata.notes.iter().map(line).collect()
}

fn check(sections: &str, expected: &[&str]) {
    assert_eq!(shown(CharmFile::Charmcraft, sections), expected, "{sections}");
}

fn check_metadata(sections: &str, expected: &[&str]) {
    assert_eq!(shown(CharmFile::Metadata, sections), expected, "{sections}");
}

#[test]
fn endpoints() {
    check(
        "requires: {db: }",
        &[
            "1:12: the endpoint `db` is empty, and should be a mapping => Give `db` a value, or remove the key.",
        ],
    );
    check("requires: [db]", &["1:11: `requires` should be a mapping, not a list"]);
    check(
        "requires: {db: {limit: 1}}",
        &[
            "1:12: the endpoint `db` has no `interface` => Add the name of the interface: `interface: <name>`.",
        ],
    );
    check(
        "requires: {db: {intreface: x, interface: 5}}",
        &[
            "remark 1:17: `intreface` of the endpoint `db` means nothing to Juju => Did you mean `interface`?",
            "1:42: `interface` of the endpoint `db` should be text, not a whole number => Quote it: \"5\".",
        ],
    );
    check(
        "requires: {db: {interface: x, limit: one}}",
        &["1:38: `limit` of the endpoint `db` should be a whole number, not text"],
    );
    check(
        "requires: {db: {interface: x, limit: 1.5, optional: maybe}}",
        &[
            "1:38: `limit` of the endpoint `db` should be a whole number, not a number",
            "1:53: `optional` of the endpoint `db` should be true or false, not text",
        ],
    );
    check(
        "requires: {db: {interface: x, limit: -1}}",
        &[
            "remark 1:38: `limit` of the endpoint `db` is -1, which no relation can meet => Leave `limit` away if there is none.",
        ],
    );
    check(
        "requires: {db: {interface: x, scope: local}}",
        &[
            "1:38: `scope` of the endpoint `db` is `local`, which is no scope => Write `global` or `container`.",
        ],
    );
    check("require: {db: x}", &["1:1: charmcraft does not know `require` => Did you mean `requires`?"]);
    check_metadata("peer: {db: x}", &["remark 1:1: `peer` means nothing to Juju => Did you mean `peers`?"]);
}

#[test]
fn names_of_endpoints() {
    check(
        "requires: {db: x}\nprovides: {db: y}",
        &[
            "1:12: the endpoint `db` is declared in `provides` already, in line 2 of charmcraft.yaml => Juju wants each name once; call one of them otherwise.",
        ],
    );
    check(
        "provides: {juju-db: x}",
        &[
            "1:12: the charm `web` may have no endpoint `juju-db` => Names that start with `juju-` are Juju's own; call it otherwise.",
        ],
    );
    check(
        "provides: {info: juju-info}",
        &[
            "1:12: the endpoint `info` may not have the interface `juju-info` in `provides` => Interfaces that start with `juju-` are Juju's own: a charm can only require them.",
        ],
    );
    check("requires: {info: juju-info}", &[]);
    check(
        "requires: {admin: x}\nextra-bindings: {admin: 5, free: }",
        &[
            "2:25: the extra binding `admin` has a value, and can have none => Write the name and a colon only.",
            "2:18: `admin` is an endpoint already, and needs no extra binding => Remove it from `extra-bindings`.",
        ],
    );
    check(
        "subordinate: true\nrequires: {host: {interface: x}}",
        &[
            "1:1: a subordinate has to require an endpoint with `scope: container`, and this one does not => Add `scope: container` to the endpoint that relates it to its principal.",
        ],
    );
    check("subordinate: perhaps", &["1:14: `subordinate` of the charm should be true or false, not text"]);
}

#[test]
fn storage() {
    let type_hint = "Write `type: filesystem` or `type: block`.";
    check("storage: {data: {}}", &[&format!("1:11: the storage `data` has no `type` => {type_hint}")]);
    check(
        "storage: {data: {type: disk}}",
        &[&format!(
            "1:24: `type` of the storage `data` is `disk`, which is no type of storage => {type_hint}"
        )],
    );
    let range_hint = "Write `range: 3`, `range: 1-3`, `range: 0-` or `range: 1+`.";
    for (range, complaint) in [
        ("many", "which is no range"),
        ("'1 - 3'", "which is no range"),
        ("0", "which allows no instance at all"),
        ("-1", "which allows no instance at all"),
        ("0-0", "which allows no instance at all"),
    ] {
        let shown_range = range.trim_matches('\'');
        let note =
            format!("1:49: `range` of the storage `data` is `{shown_range}`, {complaint} => {range_hint}");
        check(&format!("storage: {{data: {{type: block, multiple: {{range: {range}}}}}}}"), &[&note]);
    }
    check(
        "storage: {data: {type: block, multiple: {range: 5-2}}}",
        &[
            "remark 1:49: `range` of the storage `data` starts at 5 and ends before that, at 2 => Did you mean `2-5`?",
        ],
    );
    check(
        "storage: {data: {type: block, multiple: {}}}",
        &[&format!("1:31: `multiple` of the storage `data` has no `range` => {range_hint}")],
    );
    check(
        "storage: {data: {type: filesystem, minimum-size: 1024}}",
        &[
            "1:50: `minimum-size` of the storage `data` is a number without a unit, which Juju refuses => Write `1024M`.",
        ],
    );
    check(
        "storage: {data: {type: filesystem, minimum-size: 1 GB}}",
        &[
            "1:50: `minimum-size` of the storage `data` is `1 GB`, which is no size => Write a number and a unit of M, G, T, P, E, Z or Y: `1G`.",
        ],
    );
    check(
        "storage: {data: {type: block, location: /x, properties: [fast]}}",
        &[
            "1:58: `fast` is no property of storage => `transient` is the only one.",
            "1:41: the storage `data` is a block device, which has no `location` => Remove `location`, or write `type: filesystem`.",
        ],
    );
}

#[test]
fn containers_and_resources() {
    check(
        "containers: {web: {resource: img}}",
        &[
            "1:30: the container `web` names the resource `img`, which is not declared => Declare it below `resources:`; the charm has no resource at all.",
        ],
    );
    check(
        "containers: {web: {resource: key}}\nresources: {key: {type: file, filename: k}}",
        &[
            "1:30: the container `web` names the resource `key`, which is no image => Write `type: oci-image` for the resource.",
        ],
    );
    check(
        "containers: {web: {mounts: [{storage: dat, location: /x}]}}\nstorage: {data: {type: block}}",
        &[
            "1:39: the container `web` mounts the storage `dat`, which is not declared => Declare it below `storage:`, or name one that is there: `data`.",
        ],
    );
    check(
        "containers: {web: {mounts: [{storage: data}]}}\nstorage: {data: {type: block}}",
        &[
            "1:29: a mount of the container `web` has no `location` => A mount has the name of a storage and a directory: `{storage: data, location: /data}`.",
        ],
    );
    check(
        "containers: {web: {mounts: [{storage: data, location: [/a, /b]}]}}\nstorage: {data: {type: block}}",
        &["1:55: `location` of a mount of the container `web` should be text, not a list"],
    );
    check(
        "containers: {web: {uid: 1000, gid: root}}",
        &[
            "1:25: `uid` of the container `web` is 1000, and Juju keeps 1000 to 9999 for itself => Take a number below 1000, or from 10000 on.",
            "1:36: `gid` of the container `web` should be a whole number, not text",
        ],
    );
    check(
        "resources: {img: {type: docker}}\ncontainers: {web: {resource: img}}",
        &[
            "1:25: `type` of the resource `img` is `docker`, which is no type of resource => Write `file` or `oci-image`.",
        ],
    );
    check(
        "resources: {key: {type: file}}",
        &[
            "1:13: the resource `key` is a file without a `filename` => Add `filename: <name>`, or `type: oci-image` if it is an image.",
        ],
    );
    check(
        "resources: {key: {type: file, filename: /etc/key}}",
        &["1:41: `filename` of the resource `key` has a `/` in it => Write a name without directories."],
    );
}

#[test]
fn options() {
    let options = |option: &str| shown(CharmFile::Config, &format!("options:\n  o: {option}\n"));
    for (option, expected) in [
        (
            "{type: bool}",
            "2:13: `type` of the option `o` is `bool`, which is no type of option => Write `type: boolean`.",
        ),
        (
            "{type: strnig}",
            "2:13: `type` of the option `o` is `strnig`, which is no type of option => Write `type: string`.",
        ),
        ("5", "2:6: the option `o` should be a mapping, not a whole number"),
        (
            "{type: string, default: 5}",
            "2:30: `default` of the option `o` is a whole number, and its type is `string` => Quote it: \"5\".",
        ),
        (
            "{type: string, default: true}",
            "2:30: `default` of the option `o` is a boolean, and its type is `string` => Quote it: \"true\".",
        ),
        (
            "{type: int, default: 1.5}",
            "2:27: `default` of the option `o` is a number, and its type is `int` => Write a value of type `int`, or remove `default`.",
        ),
        (
            "{type: int, default: ''}",
            "2:27: `default` of the option `o` is text, and its type is `int` => Write a value of type `int`, or remove `default`.",
        ),
        (
            "{type: float, default: '1.5'}",
            "2:29: `default` of the option `o` is text, and its type is `float` => Remove the quotes.",
        ),
        (
            "{type: boolean, default: 1}",
            "2:31: `default` of the option `o` is a whole number, and its type is `boolean` => Write a value of type `boolean`, or remove `default`.",
        ),
        (
            "{type: string, default: [a]}",
            "2:30: `default` of the option `o` is a list, and its type is `string` => Write a value of type `string`, or remove `default`.",
        ),
        (
            "{type: secret, default: hunter2}",
            "2:30: `default` of the option `o` is `hunter2`, which is no URI of a secret => Remove `default`: the user sets the option to a URI such as secret:9m4e2mr0ui3e8a215n4g.",
        ),
    ] {
        assert_eq!(options(option), [expected]);
    }
    for fine in [
        "{type: secret, default: 'secret:9m4e2mr0ui3e8a215n4g'}",
        "{type: secret, default: ''}",
        "{type: int, default: '5'}",
        "{type: boolean, default: 'True'}",
        "{type: string, default: 2024-01-31}",
        "{type: float, default: 1e3}",
    ] {
        assert_eq!(options(fine), Vec::<String>::new(), "{fine}");
    }
    assert_eq!(
        shown(CharmFile::Config, "port: {type: int}\n"),
        ["1:1: the configuration has no `options` => Put the options below `options:`."]
    );
    assert_eq!(shown(CharmFile::Config, ""), Vec::<String>::new());
}

#[test]
fn actions() {
    let actions = |text: &str| shown(CharmFile::Actions, text);
    for (text, expected) in [
        ("Make_Backup: {}", "1:1: `Make_Backup` is no name for an action => Call it `make-backup`."),
        (
            "backup-: {}",
            "1:1: `backup-` is no name for an action => A name has lower-case letters, digits, and hyphens between them.",
        ),
        (
            "juju-run: {}",
            "1:1: `juju-run` is reserved => Names that start with `juju-` are Juju's own; call it otherwise.",
        ),
        ("go: now", "1:5: the action `go` should be a mapping, not text"),
        (
            "go: {description: 5}",
            "1:19: `description` of the action `go` should be text, not a whole number => Quote it: \"5\".",
        ),
        ("go: {parallel: 'true'}", "1:16: `parallel` of the action `go` should be true or false, not text"),
        ("go: {params: [a]}", "1:14: `params` of the action `go` should be a mapping, not a list"),
        (
            "go: {params: }",
            "1:6: `params` of the action `go` is empty, and should be a mapping => Give `params` a value, or remove the key.",
        ),
        (
            "go: {params: {a: {type: int}}}",
            "1:25: `type` of `a` of the action `go` is `int`, which is no type of JSON => Write `type: integer`.",
        ),
        (
            "go: {params: {a: {type: [string, null]}}}",
            "1:34: `type` of `a` of the action `go` should list names of types, not nothing => Quote the name: \"null\".",
        ),
        ("go: {params: {a: string}}", "1:18: `a` of the action `go` should be a mapping, not text"),
        (
            "go: {params: {a: {required: true}}}",
            "1:29: `required` of `a` of the action `go` should be a list, not a boolean => List the parameters that the action cannot run without, beside `params`: `required: [name]`.",
        ),
        (
            "go: {params: {a: {properties: {b: {$ref: x}}}}}",
            "1:36: Juju refuses `$ref` in the schema of `b` of `a` of the action `go` => Write the schema out in its place.",
        ),
        (
            "go: {additionalProperties: none}",
            "1:28: `additionalProperties` of the action `go` should be true or false, not text",
        ),
        (
            "go: {params: {a: {}}, required: [b]}",
            "remark 1:34: `required` of the action `go` names `b`, which is no parameter of it",
        ),
    ] {
        assert_eq!(actions(text), [expected]);
    }
}

#[test]
fn assumptions() {
    let hint = "Versions are compared with `>=` and `<` only: `juju >= 3.1`.";
    check(
        "assumes: [juju > 3]",
        &[&format!("1:11: `juju > 3` is no assumption that Juju can read => {hint}")],
    );
    check("assumes: juju >= 3.1", &["1:10: `assumes` should be a list, not text"]);
    check(
        "assumes: [{one-of: []}]",
        &[
            "1:12: `one-of` is no way to put assumptions together => Write one of `any-of:` and `all-of:`, with a list below it.",
        ],
    );
    check("assumes: [{any-of: k8s-api}]", &["1:20: `any-of` should be a list, not text"]);
}

#[test]
fn formats_of_metadata() {
    check_metadata(
        "containers: {}\nseries: [jammy]",
        &[
            "2:1: Juju refuses `series` together with `containers` => Say it in charmcraft.yaml, as `base` or `bases`.",
        ],
    );
    check_metadata(
        "requires:",
        &["1:1: `requires` is empty, and should be a mapping => Give `requires` a value, or remove the key."],
    );
    // charmcraft leaves empty sections away.
    check("requires:", &[]);
}

#[test]
fn extensions_and_what_they_add() {
    check(
        "extensions: [go-framework]\nrequires: {ingress: x}\nstorage: {data: {type: block}}\npeers: {ring: x}\nconfig: {options: {go-x: {}, webserver-y: {}, app-port: {}}}",
        &[
            "3:1: charmcraft does not take `storage` together with the extension `go-framework` => Remove `storage`, or the extension.",
            "4:9: charmcraft takes no `peers` but its own together with the extension `go-framework` => Remove `peers`, or the extension.",
            "2:12: `ingress` is declared by the extension `go-framework` already => Remove it, or call it otherwise.",
            "5:47: `app-port` is declared by the extension `go-framework` already => Remove it, or call it otherwise.",
            "5:20: options that start with `go-` are for the extension `go-framework` alone => Call the option otherwise.",
            "5:30: options that start with `webserver-` are for the extension `go-framework` alone => Call the option otherwise.",
        ],
    );
}

#[test]
fn extensions_and_what_they_assume() {
    check("extensions: [go-framework]\nassumes: [k8s-api]", &[]);
    check(
        "extensions: [go-framework]\nassumes: [juju >= 3.4, k8s-api]",
        &[
            "2:1: charmcraft takes no `assumes` but its own together with the extension `go-framework` => Remove `assumes`, or the extension.",
        ],
    );
    check("extensions: go-framework", &["1:13: `extensions` of the charm should be a list, not text"]);
}

#[test]
fn two_files_that_say_the_same() {
    let metadata = CharmMetadata::parse(CharmTexts {
        charmcraft: Some(
            "type: charm\nname: web\nrequires: {db: x}\nconfig: {options: {a: {}}}\nactions: {go: {}}\n",
        ),
        metadata: Some("name: web\nsummary: s\ndescription: d\nrequires: {cache: y}\n"),
        config: Some("options: {b: {}}\n"),
        actions: Some("come: {}\n"),
    });
    let notes: Vec<String> =
        metadata.notes.iter().map(|note| format!("{:?} {note}", note.severity)).collect();
    assert_eq!(
        notes,
        [
            "Error charmcraft.yaml:2:1: `name` is in metadata.yaml as well, and charmcraft takes it once only",
            "Remark charmcraft.yaml:3:1: there is a metadata.yaml, so charmcraft leaves `requires` of this file away",
            "Error charmcraft.yaml:4:1: `config` is in config.yaml as well, and charmcraft takes only one of the two",
            "Error charmcraft.yaml:5:1: `actions` is in actions.yaml as well, and charmcraft takes only one of the two",
        ]
    );
    assert_eq!(metadata.endpoints.len(), 1, "metadata.yaml is what gets into the charm");
    assert_eq!(metadata.endpoints[0].name, "cache");
}

#[test]
fn no_charm_at_all() {
    let of = |fixture: &str| {
        let metadata = CharmMetadata::read(&MemoryTree::from_fixture(fixture));
        assert!(metadata.errors().next().is_some(), "{fixture}");
        metadata.notes.iter().map(|note| format!("{note:#}")).collect::<Vec<_>>()
    };
    assert_eq!(
        of("--- README.md\nHello.\n"),
        [
            "there is no charmcraft.yaml and no metadata.yaml, so there is no charm\nhint: Name the folder that has the charm's charmcraft.yaml."
        ]
    );
    assert_eq!(
        of("--- charmcraft.yaml\n- a\n- b\n"),
        [
            "charmcraft.yaml:1:1: the file is a list, not a mapping\n1 | - a\n  | ^\nhint: Write keys and values: `name: my-charm`."
        ]
    );
    assert_eq!(
        of("--- charmcraft.yaml\n"),
        [
            "charmcraft.yaml: `name`, `summary` and `description` are missing, and Juju refuses a charm without",
            "charmcraft.yaml: `type` is missing, and charmcraft refuses a project without\nhint: Add `type: charm`.",
        ]
    );
    let junk = of("--- charmcraft.yaml\n\u{1}\u{2}PNG\u{0}\u{fffd}\n");
    assert_eq!(junk.len(), 1, "{junk:?}");
    assert!(junk[0].starts_with("charmcraft.yaml:1:1: "), "{junk:?}");
}

#[test]
fn a_file_that_is_no_text() {
    struct Unreadable(MemoryTree);
    impl Tree for Unreadable {
        fn files(&self) -> &std::collections::BTreeSet<Utf8PathBuf> {
            self.0.files()
        }
        fn read(&self, _path: &Utf8Path) -> Option<String> {
            None
        }
    }
    let metadata = CharmMetadata::read(&Unreadable(MemoryTree::new([("charmcraft.yaml", "")])));
    let notes: Vec<String> = metadata.errors().map(ToString::to_string).collect();
    assert_eq!(notes, ["charmcraft.yaml: the file is no text in UTF-8, or too large to be read"]);
    assert!(!metadata.is_complete());
}

#[test]
fn a_note_shows_its_line_and_its_hint() {
    let metadata =
        of_charmcraft(&format!("{HEAD}requires:\n  db:\n    interface: mysql\n    scope: local\n"));
    assert_eq!(
        format!("{:#}", metadata.notes[0]),
        "\
charmcraft.yaml:8:12: `scope` of the endpoint `db` is `local`, which is no scope
8 |     scope: local
  |            ^
hint: Write `global` or `container`."
    );
}

#[test]
fn a_thousand_mistakes_are_counted() {
    let storages: Vec<String> = (0..1000).map(|index| format!("  s{index}: {{}}\n")).collect();
    let metadata = of_charmcraft(&format!("{HEAD}storage:\n{}", storages.concat()));
    assert_eq!(metadata.notes.len(), reader::NOTES + 1);
    assert_eq!(metadata.notes[reader::NOTES].text, "900 more notes were left out");
}
