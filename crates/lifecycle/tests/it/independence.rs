//! The judge and what makes sequences check each other, so they share words only.

use std::path::{Path, PathBuf};

/// The words, which everything may use and which use nothing.
const WORDS: [&str; 1] = ["vocabulary"];

/// The judge. It uses the words alone.
const JUDGE: [&str; 1] = ["rules"];

/// What brings sequences of others to the judge. It uses the words and the judge.
const READERS: [&str; 2] = ["juju_log", "reading"];

/// A few of the modules that make sequences; every other module is taken for one as well.
const MAKERS: [&str; 6] = ["generator", "life", "machine", "model", "stimulus", "world"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns every file below a folder, or the file itself.
fn files_below(path: &Path, files: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        files.extend(path.is_file().then(|| path.to_owned()));
        return;
    }
    for entry in fs_err::read_dir(path).expect("the folder of the module can be read") {
        files_below(&entry.expect("its entries can be read").path(), files);
    }
}

/// Returns the modules of the crate: the files and folders beside `lib.rs`.
fn modules() -> Vec<String> {
    let mut names: Vec<String> = fs_err::read_dir(source())
        .expect("the source can be read")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "lib")
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the lines of a module's code that name one of the other modules as given.
fn uses(module: &str, others: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    files_below(&source().join(format!("{module}.rs")), &mut paths);
    files_below(&source().join(module), &mut paths);
    assert!(!paths.is_empty(), "`{module}` has no file");
    let mut found = Vec::new();
    for path in paths {
        let text = fs_err::read_to_string(&path).expect("a file of the module can be read");
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let names_one = |line: &&str| {
            others.iter().any(|other| {
                line.contains(&format!("crate::{other}"))
                    || line.contains(&format!("charmproof_lifecycle::{other}"))
            })
        };
        found.extend(code.filter(names_one).map(|line| format!("{}: {line}", path.display())));
    }
    found
}

/// Everything has to be named from the top of the crate, so that [`uses`] sees it: a list
/// within `use crate::{…}` would hide a module.
#[test]
fn modules_are_named_one_by_one() {
    for module in modules() {
        let lists = uses(&module, &["{"]);
        assert!(lists.is_empty(), "import each module by a line of its own: {lists:#?}");
    }
}

#[test]
fn the_words_use_nothing() {
    let all = modules();
    for module in WORDS {
        let others: Vec<&str> = all.iter().map(String::as_str).filter(|other| *other != module).collect();
        let wrong = uses(module, &others);
        assert!(wrong.is_empty(), "`{module}` uses more than itself: {wrong:#?}");
    }
}

#[test]
fn the_judge_uses_nothing_but_the_words() {
    let all = modules();
    for module in JUDGE {
        let others: Vec<&str> = all
            .iter()
            .map(String::as_str)
            .filter(|other| *other != module && !WORDS.contains(other))
            .collect();
        let wrong = uses(module, &others);
        assert!(wrong.is_empty(), "the judge uses more than the vocabulary: {wrong:#?}");
    }
}

#[test]
fn what_makes_sequences_uses_nothing_of_the_judge() {
    let all = modules();
    let is_maker =
        |module: &&String| ![&WORDS[..], &JUDGE, &READERS].iter().any(|side| side.contains(&module.as_str()));
    let makers: Vec<&String> = all.iter().filter(is_maker).collect();
    for maker in MAKERS {
        assert!(makers.iter().any(|module| *module == maker), "`{maker}` makes sequences");
    }
    for module in makers {
        let wrong = uses(module, &JUDGE);
        assert!(wrong.is_empty(), "`{module}` uses the judge: {wrong:#?}");
    }
}

#[test]
fn readers_use_nothing_that_makes_sequences() {
    let all = modules();
    let may_use = [&WORDS[..], &JUDGE, &READERS].concat();
    let others: Vec<&str> = all.iter().map(String::as_str).filter(|other| !may_use.contains(other)).collect();
    for module in READERS {
        let wrong = uses(module, &others);
        assert!(wrong.is_empty(), "`{module}` uses what makes sequences: {wrong:#?}");
    }
}
