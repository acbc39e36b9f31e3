use proptest::prelude::*;

use super::*;

fn parse_text(text: &str) -> (Node, Vec<Note>) {
    parse(Utf8Path::new("f.yaml"), text).expect("the text is YAML")
}

fn check_kind(plain: &str, expected: Kind) {
    let (root, _) = parse_text(&format!("d: {plain}\n"));
    assert_eq!(root.get("d").expect("the key is there").kind(), expected, "{plain}");
}

#[test]
fn plain_scalars_are_what_pyyaml_makes_of_them() {
    // Checked against PyYAML 6.0.
    for (plain, expected) in [
        ("", Kind::Null),
        ("~", Kind::Null),
        ("y", Kind::Text),
        ("yes", Kind::Bool(true)),
        ("off", Kind::Bool(false)),
        ("1", Kind::Int),
        ("017", Kind::Int),
        ("018", Kind::Text),
        ("0o17", Kind::Text),
        ("0x1F", Kind::Int),
        ("1_000", Kind::Int),
        ("12:30:45", Kind::Int),
        ("12:30:45.5", Kind::Float),
        ("0.10", Kind::Float),
        ("22.04", Kind::Float),
        ("1.", Kind::Float),
        (".5", Kind::Float),
        ("1e3", Kind::Text),
        ("1.0e3", Kind::Text),
        ("1.0e+3", Kind::Float),
        (".inf", Kind::Float),
        ("2024-01-31", Kind::Timestamp),
        ("1.2.3", Kind::Text),
        ("\"0.10\"", Kind::Text),
        ("'yes'", Kind::Text),
        ("!!str 0.10", Kind::Text),
        ("[a]", Kind::Sequence),
        ("{a: b}", Kind::Mapping),
    ] {
        check_kind(plain, expected);
    }
}

#[test]
fn a_version_keeps_its_last_zero() {
    let (root, notes) = parse_text("version: 0.10\n");
    assert_eq!(root.get("version").and_then(Node::text), Some("0.10"));
    assert_eq!(notes, []);
}

#[test]
fn the_key_on_stays_text() {
    let (root, _) = parse_text("on: push\n");
    assert_eq!(root.get("on").and_then(Node::text), Some("push"));
}

#[test]
fn the_last_of_two_equal_keys_wins_with_a_note() {
    let (root, notes) = parse_text("a: 1\nb: 2\na: 3\n");
    assert_eq!(root.get("a").and_then(Node::text), Some("3"));
    assert_eq!(
        notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["f.yaml:3:1: the key `a` is here again (first in line 1); the last one wins"]
    );
}

#[test]
fn merge_keys_fill_in_what_is_absent() {
    let (root, _) = parse_text("base: &b {a: 1, c: 2}\nuse:\n  <<: *b\n  a: 9\n");
    let merged = root.get("use").expect("the key is there");
    assert_eq!(merged.get("a").and_then(Node::text), Some("9"));
    assert_eq!(merged.get("c").and_then(Node::text), Some("2"));
}

#[test]
fn an_error_has_a_line_a_column_and_a_caret() {
    let broken = parse(Utf8Path::new("charmcraft.yaml"), "name: a\nparts: [a\nbase: b\n")
        .expect_err("the list is not closed");
    assert!(broken.place.line >= 2, "{broken:?}");
    assert!(broken.snippet.ends_with('^'), "{broken:?}");
}

#[test]
fn a_template_is_named_as_one() {
    let broken = parse(Utf8Path::new("charmcraft.yaml"), "name: a\n{% if x %}\ntype: charm\n")
        .expect_err("a template is not YAML");
    assert!(broken.message.contains("looks like a template"), "{broken}");
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut lines = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned()];
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        lines.push(format!("a{level}: &a{level} [{items}]\n"));
    }
    let text = lines.concat();
    let broken = parse(Utf8Path::new("f.yaml"), &text).expect_err("that is a billion nodes");
    assert_eq!(broken.message, "the file is too large once its aliases are followed");
}

#[test]
fn deep_nesting_is_refused() {
    for text in ["[".repeat(5000), "- ".repeat(5000), "{a: ".repeat(5000)] {
        assert!(parse(Utf8Path::new("f.yaml"), &text).is_err());
    }
}

#[test]
fn a_second_document_is_a_note() {
    let (root, notes) = parse_text("---\na: 1\n---\na: 2\n");
    assert_eq!(root.get("a").and_then(Node::text), Some("1"));
    assert_eq!(notes.len(), 1);
}

#[test]
fn an_empty_file_is_an_empty_mapping() {
    for text in ["", "# nothing\n", "---\n", "\u{feff}"] {
        assert_eq!(parse_text(text).0.entries(), [], "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        let _ = parse(Utf8Path::new("f.yaml"), &text);
    }

    #[test]
    fn any_yaml_like_text_is_parsed_or_refused(text in "([a-c]{0,2}[:\\-\\[\\]{}&*!|>'\"#%@?,\n \t]{1,3}){0,40}") {
        let _ = parse(Utf8Path::new("f.yaml"), &text);
    }

    #[test]
    fn quoted_text_comes_back_as_it_was(text in "[ -~]{0,40}") {
        let quoted = format!("k: '{}'\n", text.replace('\'', "''"));
        let (root, _) = parse_text(&quoted);
        prop_assert_eq!(root.get("k").and_then(Node::text), Some(text.as_str()));
    }
}
