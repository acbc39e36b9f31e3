//! The judge and what generates sequences check each other, so they share words only.

use std::path::Path;

/// Returns the text of each file of the judge.
fn files_of_the_judge() -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = vec![source.join("rules.rs")];
    let folder = fs_err::read_dir(source.join("rules")).expect("the folder of the rules can be read");
    paths.extend(folder.map(|entry| entry.expect("its entries can be read").path()));
    let read = |path: &Path| fs_err::read_to_string(path).expect("a file of the rules can be read");
    paths.iter().map(|path| (path.display().to_string(), read(path))).collect()
}

#[test]
fn the_judge_uses_nothing_but_the_vocabulary() {
    let files = files_of_the_judge();
    assert!(files.len() > 10, "the files were found");
    for (path, text) in files {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let uses_other = line.contains("crate::") && !line.contains("crate::vocabulary");
            assert!(
                !uses_other && !line.contains("machine::"),
                "{path} uses more than the vocabulary: {line}"
            );
        }
    }
}
