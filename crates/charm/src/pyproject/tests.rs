use proptest::prelude::*;

use super::*;
use crate::MemoryTree;

fn facts(fixture: &str) -> DependencyFacts {
    dependency_facts(&MemoryTree::from_fixture(fixture)).expect("it is not broken")
}

fn check_style(fixture: &str, expected: Style) {
    assert_eq!(facts(fixture).style, expected, "{fixture}");
}

#[test]
fn styles_are_told_apart() {
    check_style("--- pyproject.toml\n[project]\ndependencies = []\n--- uv.lock\n", Style::Uv { lock: true });
    check_style("--- pyproject.toml\n[tool.uv]\n", Style::Uv { lock: false });
    check_style(
        "--- pyproject.toml\n[tool.poetry.dependencies]\npython = '^3.8'\n--- poetry.lock\n",
        Style::Poetry { lock: true },
    );
    check_style("--- pyproject.toml\n[tool.poetry]\npackage-mode = false\n", Style::Poetry { lock: false });
    check_style(
        "--- pyproject.toml\n[project]\ndependencies = ['ops']\n--- requirements.txt\n",
        Style::Pep621,
    );
    check_style("--- pyproject.toml\n[tool.ruff]\n--- requirements.txt\nops\n", Style::Requirements);
    check_style("--- tox.ini\n[testenv:unit]\ndeps =\n  ops\n", Style::ToxDeps);
    check_style("--- README.md\n", Style::Unknown);
}

fn check_requires(fixture: &str, manifest: Option<&str>, lock: Option<&str>) {
    let facts = facts(fixture);
    let text = |wish: &Option<Wish<PythonConstraint>>| wish.as_ref().map(|wish| wish.value.to_string());
    assert_eq!(text(&facts.requires_python).as_deref(), manifest, "{fixture}");
    assert_eq!(text(&facts.lock_requires_python).as_deref(), lock, "{fixture}");
}

#[test]
fn the_python_is_constrained_in_many_places() {
    check_requires(
        "--- pyproject.toml\n[project]\nrequires-python = '>=3.8'\n--- uv.lock\nversion = 1\nrequires-python = \">=3.10\"\n",
        Some(">=3.8"),
        Some(">=3.10"),
    );
    check_requires(
        "--- pyproject.toml\n[tool.poetry.dependencies]\npython = {version = '^3.10'}\n--- poetry.lock\n[[package]]\npython-versions = \">=3.7\"\n[metadata]\npython-versions = \"^3.10\"\n",
        Some("^3.10"),
        Some("^3.10"),
    );
    check_requires("--- pyproject.toml\n[project]\nname = 'x'\n", None, None);
    assert_eq!(facts("--- pyproject.toml\n[project]\nrequires-python = 'new'\n").notes.len(), 1);
}

#[test]
fn all_wishes_come_together() {
    let tree = MemoryTree::from_fixture(
        "--- pyproject.toml\n[project]\nrequires-python = '>=3.8'\n--- .python-version\n# why\n3.11\n\
         --- tox.ini\n[testenv]\nbase_python = python3.10\n--- charmcraft.yaml\nname: a\nbase: ubuntu@24.04\n",
    );
    let tox = crate::toxconfig::tox_config(&tree).expect("it is fine").expect("it is there");
    let metadata = CharmMetadata::read(&tree);
    let facts = dependency_facts(&tree).expect("it is fine");
    let wishes = facts.python_wishes(&metadata, Some((&tox, "unit")), Vec::new());
    assert_eq!(
        wishes.tox_base_python.map(|wish| (wish.value.to_string(), wish.source)),
        Some(("3.10".into(), "environment unit in tox.ini".into()))
    );
    assert_eq!(wishes.python_version_file.map(|wish| wish.value.to_string()).as_deref(), Some("3.11"));
    assert_eq!(wishes.base.map(|base| base.to_string()).as_deref(), Some("ubuntu@24.04"));
}

fn check_mentions(fixture: &str, expected: &[&str]) {
    let found: Vec<String> = mentions(&MemoryTree::from_fixture(fixture), &PackageName::new("ops"))
        .into_iter()
        .map(|Mention { file, line, table, text }| format!("{file}:{line} [{table}] {text}"))
        .collect();
    assert_eq!(found, expected, "{fixture}");
}

#[test]
fn manifests_mention_packages() {
    check_mentions(
        "--- pyproject.toml\n[project]\ndependencies = [\n  \"ops~=2.0\",\n  \"ops-scenario\",\n]\noptional-dependencies.dev = ['OPS[testing]']\n[dependency-groups]\nunit = [{include-group = 'a'}, 'ops @ https://x/y.zip']\n\
         [tool.uv.sources]\nops = {path = '../ops'}\n[tool.poetry.group.unit.dependencies]\nops = \"^2\"\n[tool.x]\nops = 1\n",
        &[
            "pyproject.toml:3 [project.dependencies] ops~=2.0",
            "pyproject.toml:6 [project.optional-dependencies.dev] OPS[testing]",
            "pyproject.toml:8 [dependency-groups.unit] ops @ https://x/y.zip",
            "pyproject.toml:10 [tool.uv.sources] ops = {path = '../ops'}",
            "pyproject.toml:12 [tool.poetry.group.unit.dependencies] ops = \"^2\"",
        ],
    );
}

#[test]
fn lists_sections_parts_and_locks_mention_packages() {
    check_mentions(
        "--- requirements.txt\n# ops\nops >= 2 \\\n    --hash=sha256:1\n--- requirements/unit.in\nops\n--- charms/b/charmcraft.yaml\n--- charms/b/requirements.txt\nops\n\
         --- tox.ini\n[testenv]\ndeps =\n  -r requirements.txt\n  py310: ops # why\n[testenv:lint]\ncommands = ops\n\
         --- charmcraft.yaml\nparts:\n  charm:\n    charm-python-packages: [setuptools, ops]\n\
         --- uv.lock\n[[package]]\nname = \"ops\"\nversion = \"2.17.0\"\n\
         --- tox.toml\n[env.unit]\ndeps = ['ops']\n--- setup.py\nsetup(install_requires=['ops>1'])\n\
         --- setup.cfg\n[options]\ninstall_requires =\n  ops\n",
        &[
            "charmcraft.yaml:3 [parts.charm] ops",
            "requirements/unit.in:1 [] ops",
            "requirements.txt:2 [] ops >= 2",
            "setup.cfg:3 [options] ops",
            "setup.py:1 [] ops>1",
            "tox.ini:4 [testenv] ops",
            "tox.toml:2 [env.unit.deps] ops",
            "uv.lock:2 [package] ops 2.17.0",
        ],
    );
}

#[test]
fn a_broken_manifest_is_an_error_with_a_place() {
    let broken = dependency_facts(&MemoryTree::from_fixture("--- pyproject.toml\n[project\nname = 'a'\n"))
        .expect_err("it is broken");
    assert_eq!((broken.place.line, broken.file.as_str()), (1, "pyproject.toml"));
    assert!(broken.snippet.starts_with("1 | [project\n"), "{}", broken.snippet);
}

proptest! {
    #[test]
    fn any_texts_give_facts_or_a_fault(
        file in prop::sample::select(vec!["pyproject.toml", "uv.lock", "poetry.lock", ".python-version", "requirements.txt", "tox.ini", "setup.py", "charmcraft.yaml"]),
        text in any::<String>(),
        toml in "(\\[(project|tool\\.poetry\\.dependencies|tool\\.uv)\\]\n|dependencies|python|requires-python|=|\\[|\\]|\"ops\"|'>=3'|\n|,|\\{|\\}){0,24}",
    ) {
        for text in [text, toml] {
            let tree = MemoryTree::new([(file, text)]);
            let _ = dependency_facts(&tree);
            let _ = mentions(&tree, &PackageName::new("ops"));
        }
    }
}
