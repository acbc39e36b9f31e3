use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

const TODAY: Date = date(2026, 11, 21);

fn csv_text(text: &str) -> FleetList {
    csv::parse(text, "charms.csv", false)
}

fn toml_text(text: &str) -> FleetList {
    manifest::parse(text, "fleet.toml", Utf8Path::new("/base"), TODAY)
}

fn labels(list: &FleetList) -> Vec<&str> {
    list.entries.iter().map(|entry| entry.label.as_str()).collect()
}

fn rendered(list: &FleetList) -> String {
    list.problems.iter().map(Problem::render).collect::<Vec<_>>().join("\n")
}

fn scratch() -> (tempfile::TempDir, Utf8PathBuf) {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let path = Utf8PathBuf::from_path_buf(dir.path().to_owned()).expect("UTF-8");
    let path = path.canonicalize_utf8().expect("there");
    (dir, path)
}

fn load_names(cwd: &Utf8Path, names: &[&str]) -> FleetList {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let context = LoadContext { cwd: cwd.to_owned(), today: TODAY, strict: false };
    load(&names, &context)
}

#[test]
fn hyrums_list_is_read() {
    let list = csv_text(
        "Team,Repository,Branch (if not the default),Source\n\
         Data,https://github.com/canonical/kafka-operator,,manual\n\
         \n# a comment, with a comma\n\
         ,https://git.launchpad.net/apt-charm,edge,auto\r\n",
    );
    assert_eq!(list.problems, []);
    assert_eq!(labels(&list), ["canonical/kafka-operator", "apt-charm"]);
    assert_eq!(list.entries[0].team.as_deref(), Some("Data"));
    assert_eq!(list.entries[1].team, None);
    let reference = &list.entries[1].git().expect("git").reference;
    assert_eq!(reference.as_str(), "refs/heads/edge");
}

#[test]
fn the_header_is_tolerant() {
    for text in [
        "repository\nhttps://h/a/b\n",
        "\u{feff} Extra , \"Repository\" \nx,https://h/a/b\n",
        "# list\n\nREPOSITORY,Team\r\nhttps://h/a/b\r\n",
    ] {
        let list = csv_text(text);
        assert_eq!(list.problems, [], "{text}");
        assert_eq!(labels(&list), ["a/b"], "{text}");
    }
}

#[test]
fn a_bad_header_says_what_to_do() {
    assert_eq!(
        rendered(&csv_text("Team,Repositry\n")),
        "error: charms.csv:1:6: unknown column `Repositry`; did you mean `Repository`?\n  |\n\
         1 | Team,Repositry\n  |      ^^^^^^^^^"
    );
    assert!(rendered(&csv_text("Data,https://h/a/b\n")).contains("there is no header"));
    assert!(rendered(&csv_text("")).contains("the list is empty"));
}

#[test]
fn bad_rows_are_pointed_at_and_the_rest_works() {
    let text = "Repository,Branch,Team\n\
                https://h/a/good,,T\n\
                kafka-operator,,T\n\
                https://h/a/b,--upload-pack=x,T\n\
                \"https://h/open,,T\n\
                ,,T\n\
                \"https://h/a/\"x,,T\n\
                https://h/a/last,,\"T, \"\"q\"\"\"\n";
    let list = csv_text(text);
    assert_eq!(labels(&list), ["a/good", "a/last"]);
    assert_eq!(list.entries[1].team.as_deref(), Some("T, \"q\""));
    let places: Vec<(usize, usize)> =
        list.problems.iter().map(|problem| (problem.line, problem.column)).collect();
    assert_eq!(places, [(3, 1), (4, 15), (5, 1), (6, 1), (7, 15)]);
    assert!(!list.has_errors());
    assert!(csv::parse(text, "charms.csv", true).has_errors());
}

#[test]
fn duplicates_are_merged_with_a_note() {
    let list = csv_text(
        "Team,Repository\n,https://github.com/o/n\nData,git@github.com:o/n.git\n\
         ,https://github.com/o/n/\n",
    );
    assert_eq!(labels(&list), ["o/n"]);
    assert_eq!(list.entries[0].team.as_deref(), Some("Data"));
    assert_eq!(list.problems.len(), 2);
    assert!(list.problems.iter().all(|problem| problem.severity == Severity::Note));
}

#[test]
fn a_manifest_is_read() {
    let list = toml_text(
        r#"
schema = 1
[defaults]
team = "Data"
timeout_s = 900
groups = ["all"]
[[charm]]
path = "../kafka"
[[charm]]
repository = "https://github.com/canonical/mysql"
branch = "8.4/edge"
root = "./kubernetes"
team = "DB"
groups = ["smoke"]
memory_mib = 8192
expected = { unit = "fail" }
reason = "120 workers"
expires = 2027-01-31
[[charm]]
repository = "https://h/o/skipped"
skip = "needs a cloud"
"#,
    );
    assert_eq!(rendered(&list), "");
    assert_eq!(labels(&list), ["kafka", "canonical/mysql/kubernetes", "o/skipped"]);
    assert_eq!(list.entries[0].source, RepositorySource::Path("/kafka".into()));
    assert_eq!(list.entries[0].exceptions.limits.timeout_s, None);
    assert_eq!(list.entries[0].default_limits.timeout_s, Some(900));
    let mysql = &list.entries[1];
    assert_eq!(mysql.team.as_deref(), Some("DB"));
    assert_eq!(mysql.groups.iter().collect::<Vec<_>>(), ["all", "smoke"]);
    assert_eq!(mysql.exceptions.limits.memory_mib, Some(8192));
    assert_eq!(mysql.exceptions.expected["unit"], "fail");
    assert_eq!(mysql.exceptions.expires, Some(date(2027, 1, 31)));
    assert_eq!(list.entries[2].exceptions.skip.as_deref(), Some("needs a cloud"));
}

#[test]
fn manifest_mistakes_are_all_reported_with_their_places() {
    let list = toml_text(
        r#"schema = 1
[[charm]]
path = "a"
timeuot_s = 5
[[charm]]
path = "b"
skip = true
[[charm]]
repository = "--upload-pack=x"
[[charm]]
path = "c"
branch = "main"
[[charm]]
repository = "https://h/a/b"
root = "../../etc"
commit = "abc"
[[charm]]
path = "d"
expires = "soon"
memory_mib = -4
reason = "x"
[[charm]]
path = "e"
expected = "fails"
reason = "x"
[[charm]]
path = "fine"
"#,
    );
    let messages: Vec<String> = list
        .problems
        .iter()
        .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message))
        .collect();
    assert_eq!(
        messages,
        [
            "4:1 unknown key `timeuot_s`; did you mean `timeout_s`?",
            "7:1 `skip` needs a `reason`",
            "9:14 a URL or host cannot begin with `-`",
            "12:1 `branch` goes with `repository`; a `path` is used as it is",
            "16:10 `abc` is not a full commit id (40 or 64 hexadecimal digits)",
            "15:8 `../../etc` leads out of the repository",
            "20:14 `memory_mib` must be a whole number above 0",
            "19:11 `expires` must be a date such as 2027-01-31",
            "24:12 unknown outcome `fails`; did you mean `fail`?",
        ]
    );
    assert_eq!(labels(&list), ["fine"]);
}

#[test]
fn an_expired_exception_is_ignored_with_a_warning() {
    let text = |expires: &str| {
        format!(
            "schema = 1\n[defaults]\ntimeout_s = 7\n[[charm]]\npath = \"a\"\nskip = true\n\
             timeout_s = 9\nreason = \"flaky\"\nexpires = {expires}\n"
        )
    };
    let over = toml_text(&text("2026-11-20"));
    assert_eq!(over.problems.len(), 1);
    assert_eq!(over.problems[0].severity, Severity::Warning);
    assert!(over.problems[0].message.contains("expired on 2026-11-20"));
    assert_eq!(over.entries[0].exceptions.skip, None);
    assert_eq!(over.entries[0].exceptions.limits.timeout_s, None);
    assert_eq!(over.entries[0].default_limits.timeout_s, Some(7));
    let last_day = toml_text(&text("2026-11-21"));
    assert_eq!(last_day.problems, []);
    assert_eq!(last_day.entries[0].exceptions.skip.as_deref(), Some("flaky"));
}

#[test]
fn schema_and_syntax_errors_have_carets() {
    assert!(rendered(&toml_text("schema = 2\n")).contains("reads schema 1"));
    assert!(rendered(&toml_text("[[charm]]\npath='a'\n")).contains("`schema = 1` is missing"));
    let broken = rendered(&toml_text("schema = 1\n[[charm]\npath = \"a\"\n"));
    assert!(broken.starts_with("error: fleet.toml:2:"), "{broken}");
    assert!(broken.contains('^'), "{broken}");
}

#[test]
fn directories_of_checkouts_are_found_at_both_levels() {
    let (_guard, dir) = scratch();
    for path in ["one/.git", "owner/two/.git", "owner/deep/er/.git", ".hidden/.git", "mono/charms/a"] {
        fs_err::create_dir_all(dir.join(path)).expect("made");
    }
    fs_err::write(dir.join("mono/charms/a/charmcraft.yaml"), "").expect("written");
    fs_err::write(dir.join("notes.txt"), "").expect("written");
    let list = load_names(&dir, &["."]);
    assert_eq!(labels(&list), ["mono", "one", "owner/two"]);
    let single = load_names(&dir, &["one"]);
    assert_eq!(labels(&single), ["one"]);
    // `owner` alone has `two` and, two levels down, `deep/er`.
    let both = load_names(&dir, &["owner", "one", "."]);
    assert_eq!(labels(&both), ["deep/er", "two", "one", "mono"]);
    assert!(load_names(&dir, &["mono/charms/a/charmcraft.yaml/x"]).has_errors());
}

#[test]
fn a_directory_with_a_manifest_is_that_manifest() {
    let (_guard, dir) = scratch();
    fs_err::create_dir_all(dir.join("fleet/a")).expect("made");
    let text = "schema = 1\n[[charm]]\npath = \"a\"\n[[charm]]\npath = \"gone\"\n";
    fs_err::write(dir.join("fleet/fleet.toml"), text).expect("written");
    let list = load_names(&dir, &["fleet"]);
    assert_eq!(labels(&list), ["a"]);
    assert!(rendered(&list).contains("gone` is not a directory"), "{}", rendered(&list));
}

#[test]
fn urls_are_arguments_too() {
    let (_guard, dir) = scratch();
    let check = |text: &str, url: &str, reference: &str, subpath: Option<&str>| {
        let list = load_names(&dir, &[text]);
        assert_eq!(rendered(&list), "", "{text}");
        let git = list.entries[0].git().expect("git");
        assert_eq!(git.url.as_str(), url);
        assert_eq!(git.reference.as_str(), reference);
        assert_eq!(list.entries[0].subpath.as_deref().map(Utf8Path::as_str), subpath);
    };
    check("https://h/o/n", "https://h/o/n", "HEAD", None);
    check("https://me@h/o/n@feature/x", "https://me@h/o/n", "feature/x", None);
    check("git@h:o/n.git@v1#subdirectory=charms/a", "git@h:o/n.git", "v1", Some("charms/a"));
    for bad in
        ["canonical/kafka", "--upload-pack=x", "https://h/o/n@--x", "https://h/o/n#subdirectory=../x", "a\nb"]
    {
        assert!(load_names(&dir, &[bad]).has_errors(), "{bad}");
    }
    assert!(
        rendered(&load_names(&dir, &["canonical/kafka"]))
            .contains("did you mean `https://github.com/canonical/kafka`?")
    );
}

#[test]
fn labels_are_made_unique() {
    let (_guard, dir) = scratch();
    let list = load_names(&dir, &["https://a/o/n", "https://b/o/n", "https://a/o/n@v1", "https://x/q/o/n"]);
    let mut unique = labels(&list);
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), 4, "{unique:?}");
}

#[test]
fn selections_combine_and_tell_of_typos() {
    let list = csv_text(
        "Team,Repository\nData,https://h/o/kafka-operator\nData,https://h/o/mysql\nWeb,https://h/o/kafka-ui\n",
    );
    let pick = |selection: &Selection| -> (Vec<String>, Vec<String>) {
        let selected = select(&list.entries, selection);
        let names = selected.entries.iter().map(|entry| entry.label.clone()).collect();
        (names, selected.unmatched)
    };
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let selection = Selection { repositories: words(&["KAFKA"]), ..Selection::default() };
    assert_eq!(pick(&selection).0, ["o/kafka-operator", "o/kafka-ui"]);
    let selection = Selection {
        repositories: words(&["o/*"]),
        teams: words(&["data", "Wbe"]),
        exclude: words(&["*-operator"]),
        limit: Some(5),
        ..Selection::default()
    };
    assert_eq!(pick(&selection), (words(&["o/mysql"]), words(&["Wbe"])));
    let selection = Selection { limit: Some(1), ..Selection::default() };
    assert_eq!(pick(&selection).0.len(), 1);
}

/// Text of the alphabet that parsers stumble over.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,6}",
        Just("\"".to_owned()),
        Just(",".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("Repository".to_owned()),
        Just("https://h/a/b".to_owned()),
        Just("[[charm]]\n".to_owned()),
        Just("path = \"a\"\n".to_owned()),
        Just("schema = 1\n".to_owned()),
        Just("expires = 2027-01-31T00:00:00\n".to_owned()),
        Just("é\u{0}\u{202e}".to_owned()),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn check_sound(list: &FleetList) {
    for problem in &list.problems {
        let text = problem.render();
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        if let Some(snippet) = &problem.snippet {
            assert!(snippet.length >= 1 && snippet.start <= snippet.text.chars().count());
        }
    }
    for entry in &list.entries {
        if let Some(git) = entry.git() {
            assert!(!git.url.as_str().starts_with('-'));
            assert!(!git.reference.as_str().starts_with('-'));
            let key = git.url.key();
            assert!(key.is_relative() && !key.components().any(|part| part.as_str() == ".."));
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_csv_or_problems(text in nasty()) {
        check_sound(&csv_text(&text));
        check_sound(&csv_text(&format!("Team,Repository,Branch\n{text}")));
    }

    #[test]
    fn any_text_is_a_manifest_or_problems(text in nasty()) {
        check_sound(&toml_text(&text));
        check_sound(&toml_text(&format!("schema = 1\n[[charm]]\n{text}")));
    }

    #[test]
    fn rows_that_were_written_are_read_back(
        names in proptest::collection::btree_set("[a-z][a-z0-9-]{0,8}", 1..8),
        team in "[A-Za-z ,\"]{0,12}",
    ) {
        let quoted = team.replace('"', "\"\"");
        let mut text = String::from("Team,Repository\n");
        for name in &names {
            text += "\"";
            text += &quoted;
            text += "\",https://h/o/";
            text += name;
            text += "\n";
        }
        let list = csv_text(&text);
        prop_assert_eq!(&list.problems, &[]);
        prop_assert_eq!(list.entries.len(), names.len());
        let expected = Some(team.as_str()).filter(|team| !team.is_empty());
        prop_assert_eq!(list.entries[0].team.as_deref(), expected);
    }

    #[test]
    fn any_url_and_reference_is_harmless(text in "\\PC{0,24}") {
        if let Ok(url) = crate::corpus::location::GitUrl::parse(&text) {
            prop_assert!(!url.as_str().starts_with('-'));
            let key = url.key();
            prop_assert!(key.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!key.components().any(|part| part.as_str() == ".."));
        }
        if let Ok(reference) = Reference::parse(&text) {
            prop_assert!(!reference.as_str().starts_with('-'));
            prop_assert!(!reference.as_str().contains(':'));
        }
    }
}

#[test]
fn expected_outcomes_are_those_of_the_store() {
    use charmproof_store::outcome::Outcome;
    let known: std::collections::BTreeSet<&str> = Outcome::all().into_iter().map(Outcome::name).collect();
    for name in super::OUTCOMES {
        assert!(known.contains(name), "{name}");
    }
}
