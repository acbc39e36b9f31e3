use proptest::prelude::*;

use super::*;
use crate::MemoryTree;

fn check_environments(fixture: &str, expected: &[&str]) {
    let config = tox_config(&MemoryTree::from_fixture(fixture)).expect("it is not broken");
    let environments = config.map(|config| config.environments).unwrap_or_default();
    assert_eq!(environments.into_iter().collect::<Vec<_>>(), expected, "{fixture}");
}

#[test]
fn environments_are_listed_or_have_sections() {
    check_environments(
        "--- tox.ini\n[tox]\nenvlist = fmt, lint\n[testenv]\n[testenv:unit]\n[testenv:py{310,311}]\n",
        &["fmt", "lint", "py310", "py311", "unit"],
    );
    check_environments(
        "--- tox.ini\n[tox]\nenvlist = {[vars]all}, unit\n[vars]\nall = a, b\n",
        &["a", "b", "unit"],
    );
    check_environments("--- tox.ini\n[tox]\nenvlist = {env:X}, unit\n", &["unit"]);
}

#[test]
fn every_file_that_tox_reads() {
    check_environments("--- setup.cfg\n[metadata]\nname = a\n[tox:tox]\nenvlist = unit\n", &["unit"]);
    check_environments(
        "--- tox.toml\nenv_list = ['lint', 'py3{10,11}']\n[env.unit]\n[env_run_base]\n",
        &["lint", "py310", "py311", "unit"],
    );
    check_environments(
        "--- tox.toml\nenv_list = [{product = [{prefix='py3', start=10, stop=11}, ['a', 'b']], exclude=['py310-b']}]\n",
        &["py310-a", "py311-a", "py311-b"],
    );
    check_environments(
        "--- pyproject.toml\n[tool.tox]\nenv_list = ['lint']\nenv.unit.deps = ['x']\n",
        &["lint", "unit"],
    );
    check_environments(
        "--- pyproject.toml\n[tool.tox]\nlegacy_tox_ini = '''\n[tox]\nenvlist = a\n'''\n--- tox.toml\n[env.b]\n",
        &["a"],
    );
    check_environments("--- pyproject.toml\n[project]\nname = 'a'\n--- tox.toml\n[env.b]\n", &["b"]);
    check_environments("--- README.md\n", &[]);
}

#[test]
fn interpreters_are_found_where_they_are_asked_for() {
    let config = parse_ini(
        "tox.ini".into(),
        "[tox]\nrequires =\n  tox>=4\n  tox-uv\nminversion = 4.2\n[testenv]\nbasepython = python3.10\n[testenv:lint]\nbase_python = py312, py311\n",
        "tox",
    )
    .expect("it is not broken");
    assert_eq!(config.requires, ["tox>=4", "tox-uv"]);
    assert_eq!(config.min_version.as_deref(), Some("4.2"));
    for (environment, expected) in [("lint", "3.12"), ("unit", "3.10"), ("py38-unit", "3.8")] {
        let python = config.base_python_of(environment).map(|version| version.to_string());
        assert_eq!(python.as_deref(), Some(expected), "{environment}");
    }
}

fn check_broken(fixture: &str, expected: &str) {
    let broken = tox_config(&MemoryTree::from_fixture(fixture)).expect_err("it is broken");
    assert_eq!(format!("{broken}\n{}", broken.snippet), expected);
}

#[test]
fn broken_files_say_where() {
    check_broken(
        "--- tox.ini\n[tox]\nenvlist\n",
        "tox.ini:2:1: this line is neither `key = value` nor a section\n2 | envlist\n  | ^",
    );
    check_broken(
        "--- pyproject.toml\n[tool.tox]\nlegacy_tox_ini = \"\"\"\n[tox]\nenvlist\n\"\"\"\n",
        "pyproject.toml:4:1: this line is neither `key = value` nor a section\n4 | envlist\n  | ^",
    );
    let broken = parse_toml("env_list = [\n").expect_err("it is broken");
    assert!(broken.snippet.contains('^'), "{broken}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = parse_ini("tox.ini".into(), &text, "tox");
        let _ = parse_toml(&text);
        let _ = parse_pyproject(&text);
    }

    #[test]
    fn anything_like_a_configuration_is_read_or_refused(text in "(\\[tox\\]\n|\\[testenv(:a|:\\{a,b\\})?\\]\n|envlist ?=|base_python=|\\{\\[tox\\]envlist\\}|,|a|\n| ){0,20}",
        toml in "(env_list|env|requires|base_python|=|\\[|\\]|\\{|\\}|'a'|product|,|\n|\\.){0,24}") {
        let _ = parse_ini("tox.ini".into(), &text, "tox");
        let _ = parse_toml(&toml);
        let _ = parse_pyproject(&format!("[tool.tox]\n{toml}"));
    }
}
