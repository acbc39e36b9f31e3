//! The judge and what generates sequences check each other, so they share words only.

use std::path::Path;

/// Returns the text of each file of a module and of what is below it.
fn files_of(module: &str) -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = vec![source.join(format!("{module}.rs"))];
    let folder = source.join(module);
    if folder.is_dir() {
        let entries = fs_err::read_dir(folder).expect("the folder of the module can be read");
        paths.extend(entries.map(|entry| entry.expect("its entries can be read").path()));
    }
    let read = |path: &Path| fs_err::read_to_string(path).expect("a file of the module can be read");
    paths.iter().map(|path| (path.display().to_string(), read(path))).collect()
}

/// Returns the lines of code that `is_wrong` says are wrong.
fn lines_that(module: &str, is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files_of(module) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        found.extend(code.filter(|line| is_wrong(line)).map(|line| format!("{path}: {line}")));
    }
    found
}

#[test]
fn the_judge_uses_nothing_but_the_vocabulary() {
    assert!(files_of("rules").len() > 10, "the files were found");
    let wrong = lines_that("rules", |line| {
        (line.contains("crate::") && !line.contains("crate::vocabulary")) || line.contains("machine::")
    });
    assert!(wrong.is_empty(), "the judge uses more than the vocabulary: {wrong:#?}");
}

#[test]
fn what_makes_sequences_uses_nothing_of_the_judge() {
    for module in ["world", "stimulus", "machine", "generator"] {
        assert!(!files_of(module).is_empty(), "the files were found");
        let wrong = lines_that(module, |line| line.contains("rules::") || line.contains("crate::rules"));
        assert!(wrong.is_empty(), "`{module}` uses the judge: {wrong:#?}");
    }
}
