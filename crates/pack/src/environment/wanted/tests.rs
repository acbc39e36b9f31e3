use charmproof_charm::MemoryTree;
use proptest::prelude::*;

use super::*;

const POETRY: &str = "--- pyproject.toml\n[tool.poetry.dependencies]\npython = \"^3.10\"\nops = \"^3\"\n";
const POETRY_LOCK: &str = "--- poetry.lock\n[[package]]\nname = \"ops\"\nversion = \"3.7.1\"\n";
const UV: &str = "--- pyproject.toml\n[project]\nname = \"a\"\nrequires-python = \">=3.10\"\ndependencies = [\"ops\"]\n--- uv.lock\nversion = 1\n";

fn wanted(fixture: &str) -> Wanted {
    Wanted::read(&MemoryTree::from_fixture(fixture)).unwrap()
}

fn charmcraft(part: &str) -> String {
    format!(
        "--- charmcraft.yaml\nname: a\nbase: ubuntu@22.04\nplatforms: {{amd64: }}\nparts:\n  my-charm:\n{part}"
    )
}

fn check(fixture: &str, expected: &str) {
    let main = wanted(fixture).main;
    let shown = match &main {
        Main::UvLock { extras, groups } => format!("uv.lock extras={extras:?} groups={groups:?}"),
        Main::Poetry { is_locked, requirements, constraints } => {
            format!("poetry locked={is_locked} {} / {}", requirements.join(" "), constraints.join(" "))
        }
        Main::Requirements { files, constraints, packages } => {
            format!("files={files:?} constraints={constraints:?} packages={packages:?}")
        }
        Main::Manifest | Main::Nothing => main.source(),
    };
    assert_eq!(shown, expected, "{fixture}");
}

#[test]
fn the_plugin_of_the_part_decides() {
    let both = format!("{UV}--- requirements.txt\nops\n");
    let uv = charmcraft("    plugin: uv\n    uv-groups: [charm]\n    uv-extras: [more]\n");
    check(&format!("{uv}{both}"), r#"uv.lock extras=["more"] groups=["charm"]"#);
    let named = charmcraft("    plugin: charm\n    charm-requirements: [requirements.txt]\n");
    check(&format!("{named}{both}"), r#"files=["requirements.txt"] constraints=[] packages=[]"#);
    let poetry = charmcraft("    plugin: poetry\n    poetry-with: [libs]\n");
    check(&format!("{poetry}{POETRY}{POETRY_LOCK}"), "poetry locked=true ops / ops==3.7.1");
}

#[test]
fn files_are_named_in_any_way() {
    let named = charmcraft(
        "    plugin: charm\n    source: ./app/\n    charm-requirements: [./requirements.txt, ../base.txt]\n",
    );
    let files = "--- app/requirements.txt\n-r ./more.txt\n--- app/more.txt\nops\n--- base.txt\npyyaml\n";
    let fixture = format!("{named}{files}");
    check(&fixture, r#"files=["app/requirements.txt", "base.txt"] constraints=[] packages=[]"#);
    let read = wanted(&fixture).inputs;
    assert!(read.iter().any(|(name, text)| name == "app/more.txt" && text == "ops\n"), "{read:?}");
}

#[test]
fn a_file_that_is_made_during_the_build_is_stood_in_for_by_the_lock() {
    let named = charmcraft("    plugin: charm\n    charm-requirements: [made.txt]\n");
    check(&format!("{named}{POETRY}{POETRY_LOCK}"), "poetry locked=true ops / ops==3.7.1");
    check(&format!("{named}{UV}"), "uv.lock extras=[] groups=[]");
}

#[test]
fn without_locks_the_usual_files_are_taken() {
    let part = charmcraft(
        "    plugin: charm\n    charm-binary-python-packages: [psycopg2]\n    charm-python-packages: [setuptools]\n",
    );
    check(
        &format!("{part}--- requirements.txt\nops\n"),
        r#"files=["requirements.txt"] constraints=[] packages=["psycopg2"]"#,
    );
    check(
        "--- metadata.yaml\nname: a\n--- requirements.txt\nops\n",
        r#"files=["requirements.txt"] constraints=[] packages=[]"#,
    );
    let below = charmcraft(
        "    plugin: python\n    source: ./sub\n    python-requirements: [r.txt]\n    python-constraints: [c.txt]\n",
    );
    check(
        &format!("{below}--- sub/r.txt\nops\n--- sub/c.txt\nops<3\n"),
        r#"files=["sub/r.txt"] constraints=["sub/c.txt"] packages=[]"#,
    );
    check(POETRY, "poetry locked=false ops / ");
    check("--- pyproject.toml\n[project]\nname = \"a\"\ndependencies = [\"ops\"]\n", "pyproject.toml");
    check("--- README.md\n", "the charm (it has no lock, no requirements.txt and no pyproject.toml)");
}

#[test]
fn the_python_is_that_of_the_base() {
    let read = wanted(&format!("{}{UV}--- .python-version\n3.13\n", charmcraft("    plugin: uv\n")));
    assert_eq!(read.pythons.base.map(|base| base.to_string()).as_deref(), Some("ubuntu@22.04"));
    assert_eq!(read.pythons.python_version_file, None);
    assert_eq!(read.pythons.requires_python.map(|wish| wish.value.to_string()).as_deref(), Some(">=3.10"));
}

#[test]
fn libraries_ask_for_packages() {
    let read = wanted(
        "--- requirements.txt\nops\n--- lib/charms/a/v0/b.py\nPYDEPS = ['cosl', 'x>=1']\n\
         --- lib/charms/a/v1/c.py\nPYDEPS = ['cosl']\n--- lib/charms/a/v0/d.py\nPYDEPS = other\n",
    );
    assert_eq!(read.library_requirements, ["cosl", "x>=1"]);
    assert_eq!(
        read.notes,
        ["lib/charms/a/v0/d.py:1: PYDEPS is no list of literal strings; what it asks for was left out"]
    );
}

#[test]
fn inputs_are_what_decides_and_nothing_else() {
    let inputs = |fixture: &str| wanted(fixture).inputs;
    let plain = format!("{UV}--- src/charm.py\nimport ops\n");
    assert_eq!(inputs(&plain), inputs(&plain.replace("import ops", "import os")));
    assert_eq!(inputs(UV), inputs(&UV.replace("[project]", "[tool.ruff]\nline-length = 9\n[project]")));
    assert_ne!(inputs(UV), inputs(&UV.replace("version = 1", "version = 2")));
    let included = "--- requirements.txt\n-r sub/more.txt\nops\n--- sub/more.txt\n-c bounds.txt\na\n--- sub/bounds.txt\na<1\n";
    assert_ne!(inputs(included), inputs(&included.replace("a<1", "a<2")));
    assert_ne!(inputs(included), inputs(&included.replace("\na\n", "\nb\n")));
}

#[test]
fn local_packages_are_known() {
    let lock = "[[package]]\nname = \"a\"\nsource = { virtual = \".\" }\n[[package]]\nname = \"b\"\nsource = { directory = \"../b\" }\n";
    assert_eq!(wanted(&format!("{UV}{lock}")).local, ["../b"]);
    let files = "--- requirements.txt\nops\n-e ./lib/one  # ours\n../two[extra]\nfile:./three ; python_version > '3'\n";
    assert_eq!(wanted(files).local, ["./lib/one", "./three", "../two"]);
}

#[test]
fn charms_of_layers_are_refused() {
    let tree = MemoryTree::from_fixture("--- layer.yaml\nincludes: []\n--- wheelhouse.txt\nops\n");
    assert!(matches!(Wanted::read(&tree), Err(EnvironmentError::Layers)));
}

#[test]
fn broken_files_are_named() {
    let broken = |fixture: &str| Wanted::read(&MemoryTree::from_fixture(fixture)).unwrap_err();
    assert!(matches!(broken("--- pyproject.toml\n[project\n"), EnvironmentError::Manifest(_)));
    assert!(matches!(broken("--- charmcraft.yaml\nparts: [\n"), EnvironmentError::Manifest(_)));
    let lock = format!("{POETRY}--- poetry.lock\n[[package\n");
    assert!(matches!(broken(&lock), EnvironmentError::Lock { file: "poetry.lock", .. }));
}

proptest! {
    #[test]
    fn any_files_are_read(
        charmcraft in "(parts:|\n|  a:|    plugin: (charm|uv|poetry|nil)|    source: (x|\\.|/y)|    charm-requirements: \\[r\\]|é|- ){0,12}",
        requirements in "(-r |-c |-e |\\./|ops|\n|requirements.txt|==1|;|#|é){0,16}",
        lock in "(\\[\\[package\\]\\]\n|name = \"a\"\n|version = \"1\"\n|source = \\{ path = \"b\" \\}\n|x){0,8}",
    ) {
        for lock_name in ["uv.lock", "poetry.lock"] {
            let tree = MemoryTree::new([
                ("charmcraft.yaml", charmcraft.clone()),
                ("requirements.txt", requirements.clone()),
                (lock_name, lock.clone()),
            ]);
            let _ = Wanted::read(&tree);
        }
    }
}

#[test]
fn groups_that_poetry_exports_are_wanted() {
    let check = |arguments: &[&str], expected: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        assert_eq!(exported_groups(&arguments), expected, "{arguments:?}");
    };
    check(&["--only", "charm"], &["charm"]);
    check(&["--only", "main,charm-libs", "--without-hashes"], &["charm-libs"]);
    check(&["--with=a,b"], &["a", "b"]);
    check(&["--only main,a"], &["a"]);
    check(&["--only"], &[]);
    check(&[], &[]);
}
