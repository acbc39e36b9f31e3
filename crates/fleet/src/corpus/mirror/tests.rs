use std::sync::Mutex;
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::*;
use crate::corpus::fixture::{Scratch, commit, git, hermetic_git, local, repository};
use crate::corpus::list::{FleetEntry, FleetList, RepositorySource};

fn open(scratch: &Scratch) -> Mirrors {
    Mirrors::open(&scratch.path.join("cache"), hermetic_git()).expect("opens")
}

fn fetch(mirrors: &Mirrors, wanted: &[GitRef]) -> Vec<FetchOutcome> {
    let results = mirrors.fetch(wanted, FetchSettings::default(), &|_| {}, &|| false);
    results.into_iter().map(|result| result.outcome).collect()
}

fn fetch_one(mirrors: &Mirrors, source: &GitRef) -> FetchOutcome {
    fetch(mirrors, std::slice::from_ref(source)).remove(0)
}

fn kind(outcome: &FetchOutcome) -> FailureKind {
    match outcome {
        FetchOutcome::Failed { failure, .. } => failure.kind,
        other => panic!("should have failed: {other:?}"),
    }
}

#[test]
fn first_unchanged_changed() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    let first = repository(&remote);
    let mirrors = open(&scratch);
    let source = local(&remote, "HEAD");
    let fetched = FetchOutcome::Fetched { commit: first.clone(), before: None };
    assert_eq!(fetch_one(&mirrors, &source), fetched);
    let unchanged = FetchOutcome::Unchanged { commit: first.clone() };
    assert_eq!(fetch_one(&mirrors, &source), unchanged);
    let second = commit(&remote, "b", "b");
    let fetched = FetchOutcome::Fetched { commit: second.clone(), before: Some(first) };
    assert_eq!(fetch_one(&mirrors, &source), fetched);
    let dir = mirrors.path(&source.url);
    assert!(dir.as_str().ends_with("remote.git"), "{dir}");
    assert_eq!(git(&dir, &["rev-list", "--count", &second]), "1", "shallow");
    assert_eq!(git(&dir, &["fsck", "--no-dangling"]), "");
}

#[test]
fn a_force_push_survives_and_the_old_commit_stays() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    repository(&remote);
    let old = commit(&remote, "b", "old");
    let mirrors = open(&scratch);
    let source = local(&remote, "refs/heads/main");
    fetch_one(&mirrors, &source);
    git(&remote, &["reset", "--quiet", "--hard", "HEAD~1"]);
    let new = commit(&remote, "b", "new");
    assert_eq!(
        fetch_one(&mirrors, &source),
        FetchOutcome::Fetched { commit: new, before: Some(old.clone()) }
    );
    let settings = FetchSettings::default();
    let dir = mirrors.pin(&source.url, &old, settings, &|| false).expect("still here");
    assert_eq!(git(&dir, &["show", &format!("{old}:b")]), "old");
}

#[test]
fn a_branch_that_becomes_a_directory_of_branches_is_no_trouble() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    repository(&remote);
    git(&remote, &["branch", "edge"]);
    let mirrors = open(&scratch);
    assert!(!fetch_one(&mirrors, &local(&remote, "edge")).is_failed());
    git(&remote, &["branch", "--move", "edge", "edge/x"]);
    assert!(!fetch_one(&mirrors, &local(&remote, "edge/x")).is_failed());
    let gone = fetch_one(&mirrors, &local(&remote, "edge"));
    assert_eq!(kind(&gone), FailureKind::NoSuchReference);
    assert!(gone.commit().is_some(), "the stale commit is kept");
}

#[test]
fn one_failure_stops_nothing_and_is_recorded() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("good");
    repository(&remote);
    let mirrors = open(&scratch);
    let wanted = [
        local(&scratch.path.join("missing"), "HEAD"),
        local(&remote, "nope"),
        local(&remote, "HEAD"),
        local(&remote, "HEAD"),
    ];
    let events = Mutex::new(Vec::new());
    let results = mirrors.fetch(
        &wanted,
        FetchSettings::default(),
        &|event| {
            if let MirrorEvent::Finished { done, total, .. } = event {
                events.lock().expect("whole").push((done, total));
            }
        },
        &|| false,
    );
    assert_eq!(kind(&results[0].outcome), FailureKind::NotFound);
    assert_eq!(kind(&results[1].outcome), FailureKind::NoSuchReference);
    assert!(!results[2].outcome.is_failed());
    assert_eq!(results[2].outcome, results[3].outcome, "fetched once");
    assert_eq!(events.lock().expect("whole").len(), 3);
    let list = FleetList {
        entries: wanted
            .iter()
            .map(|source| FleetEntry::new(RepositorySource::Git(source.clone()), None))
            .collect(),
        problems: Vec::new(),
    };
    let status = mirrors.status(&list);
    let failure = status[0].state.failure.as_ref().expect("recorded");
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(status[0].state.fetched_at, None);
    assert!(status[2].state.fetched_at.is_some() && status[2].size_bytes > 0);
    assert_eq!(status[2].state.commit.as_deref(), results[2].outcome.commit());
}

#[test]
fn a_hundred_repositories_at_once() {
    let scratch = Scratch::new();
    let wanted: Vec<GitRef> = (0..100)
        .map(|number| {
            let dir = scratch.path.join(format!("owner{}/r{number}", number % 7));
            repository(&dir);
            local(&dir, "HEAD")
        })
        .collect();
    let mirrors = open(&scratch);
    for expected_new in [true, false] {
        let outcomes = fetch(&mirrors, &wanted);
        assert_eq!(outcomes.len(), 100);
        for outcome in outcomes {
            assert!(!outcome.is_failed(), "{outcome:?}");
            assert_eq!(matches!(outcome, FetchOutcome::Fetched { .. }), expected_new);
        }
    }
}

#[test]
fn two_processes_worth_of_fetches_share_a_mirror() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    repository(&remote);
    let mirrors = [open(&scratch), open(&scratch)];
    let source = local(&remote, "HEAD");
    std::thread::scope(|scope| {
        for mirrors in mirrors.iter().cycle().take(6) {
            let source = &source;
            scope.spawn(move || assert!(!fetch_one(mirrors, source).is_failed()));
        }
    });
}

#[test]
fn a_killed_fetch_is_resumed() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    let first = repository(&remote);
    let mirrors = open(&scratch);
    let source = local(&remote, "HEAD");
    assert!(!fetch_one(&mirrors, &source).is_failed());
    let second = commit(&remote, "b", "b");
    // The remote takes its time; the fetch is stopped under way.
    let stop_at = Instant::now() + Duration::from_millis(300);
    let slow = slow_remote(&scratch, &remote);
    let outcome = slow.fetch_one(&source, FetchSettings::default(), &|| Instant::now() > stop_at);
    assert_eq!(kind(&outcome), FailureKind::Cancelled);
    assert_eq!(outcome.commit(), Some(first.as_str()));
    // And what a git that was killed outright may leave behind.
    let dir = mirrors.path(&source.url);
    for name in ["shallow.lock", "refs/charmproof/HEAD.lock", "objects/pack/tmp_pack_x", "config.lock"] {
        fs_err::write(dir.join(name), "partial").expect("written");
    }
    assert_eq!(fetch_one(&mirrors, &source), FetchOutcome::Fetched { commit: second, before: Some(first) });
    assert!(!dir.join("objects/pack/tmp_pack_x").exists());
}

#[test]
fn a_timeout_names_itself_and_frees_the_lock() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    repository(&remote);
    let slow = slow_remote(&scratch, &remote);
    let settings = FetchSettings { timeout: Duration::from_millis(300), ..FetchSettings::default() };
    let source = local(&remote, "HEAD");
    let before = Instant::now();
    assert_eq!(kind(&slow.fetch_one(&source, settings, &|| false)), FailureKind::Timeout);
    assert!(before.elapsed() < Duration::from_secs(10));
    assert!(!fetch_one(&open(&scratch), &source).is_failed());
}

/// Returns mirrors whose git hangs when it talks to `remote`.
fn slow_remote(scratch: &Scratch, remote: &Utf8Path) -> Mirrors {
    use std::os::unix::fs::PermissionsExt as _;
    let bin = scratch.path.join("bin");
    fs_err::create_dir_all(&bin).expect("made");
    let ssh = bin.join("ssh");
    fs_err::write(&ssh, "#!/bin/sh\nsleep 600\n").expect("written");
    fs_err::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).expect("set");
    let config = scratch.path.join("gitconfig");
    let text = format!("[url \"ssh://slow.example/\"]\n\tinsteadOf = file://{remote}\n");
    fs_err::write(&config, text).expect("written");
    let git = Git::with_environment([
        ("PATH".into(), std::env::var_os("PATH").expect("set")),
        ("HOME".into(), "/nonexistent".into()),
        ("GIT_CONFIG_GLOBAL".into(), config.into_os_string()),
        ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
        ("GIT_SSH_COMMAND".into(), ssh.into_os_string()),
    ]);
    Mirrors::open(&scratch.path.join("cache"), git).expect("opens")
}

#[test]
fn a_damaged_mirror_is_made_anew() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    let first = repository(&remote);
    let mirrors = open(&scratch);
    let source = local(&remote, "HEAD");
    let dir = mirrors.path(&source.url);
    let damages: [&dyn Fn(); 4] = [
        &|| fs_err::remove_file(dir.join("HEAD")).expect("removed"),
        &|| fs_err::remove_dir_all(dir.join("objects")).expect("removed"),
        &|| fs_err::write(dir.join("config"), "[core\n").expect("written"),
        &|| {
            let pack = fs_err::read_dir(dir.join("objects/pack")).expect("listed");
            let paths: Vec<_> = pack.map(|entry| entry.expect("entry").path()).collect();
            assert!(paths.len() >= 2, "{paths:?}");
            for path in paths {
                fs_err::remove_file(&path).expect("removed");
                fs_err::write(path, "junk").expect("written");
            }
        },
    ];
    for (number, damage) in damages.iter().enumerate() {
        assert!(!fetch_one(&mirrors, &source).is_failed(), "before {number}");
        damage();
        // The pack damage hides the commit; the remote may have moved on too.
        let outcome = fetch_one(&mirrors, &source);
        assert_eq!(outcome.commit(), Some(first.as_str()), "damage {number}: {outcome:?}");
        assert!(!outcome.is_failed(), "damage {number}: {outcome:?}");
        assert_eq!(git(&dir, &["fsck", "--no-dangling"]), "", "damage {number}");
    }
}

#[test]
fn a_commit_can_be_pinned_and_needs_no_remote_after() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    let first = repository(&remote);
    commit(&remote, "b", "b");
    let mirrors = open(&scratch);
    let url = local(&remote, "HEAD").url;
    let settings = FetchSettings::default();
    let pin = |commit: &str| mirrors.pin(&url, commit, settings, &|| false);
    let dir = pin(&first).expect("fetched");
    assert_eq!(git(&dir, &["cat-file", "-t", &first]), "commit");
    fs_err::rename(&remote, scratch.path.join("gone")).expect("moved");
    pin(&first).expect("no remote needed");
    let error = pin(&"0".repeat(40)).expect_err("unknown");
    assert!(matches!(error, MirrorError::Pin { .. }), "{error}");
    assert!(matches!(pin("abc"), Err(MirrorError::Reference(_))));
}

#[test]
fn references_are_resolved_or_near_names_given() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("remote");
    let first = repository(&remote);
    git(&remote, &["tag", "--annotate", "--message", "m", "v1.0"]);
    let second = commit(&remote, "b", "b");
    git(&remote, &["branch", "feature/secrets"]);
    let empty = scratch.path.join("empty");
    fs_err::create_dir_all(&empty).expect("made");
    git(&empty, &["init", "--quiet"]);
    let mirrors = open(&scratch);
    let resolve =
        |source: GitRef| mirrors.resolve_refs(&[source], FetchSettings::default(), &|| false).remove(0);
    assert_eq!(resolve(local(&remote, "HEAD")).expect("there").commit, second);
    assert_eq!(resolve(local(&remote, "v1.0")).expect("there").commit, first, "peeled");
    assert_eq!(resolve(local(&remote, &first)).expect("there").commit, first);
    let main = resolve(local(&remote, "main")).expect("there");
    assert_eq!(main.name.as_deref(), Some("refs/heads/main"));
    let message = |source: GitRef| resolve(source).expect_err("not there").to_string();
    assert!(
        message(local(&remote, "mian")).ends_with("has no branch, tag or ref `mian`; did you mean `main`?")
    );
    assert!(message(local(&remote, "secrets")).ends_with("did you mean `feature/secrets`?"));
    assert!(message(local(&remote, "deadbee")).contains("abbreviated commit"));
    assert!(message(local(&empty, "main")).ends_with("is empty"));
    assert!(message(local(&scratch.path.join("none"), "main")).contains("(not-found)"));
}

#[test]
fn hostile_names_do_nothing() {
    let scratch = Scratch::new();
    let remote = scratch.path.join("--upload-pack=touch pwned; x");
    repository(&remote);
    git(&remote, &["branch", "x'$(touch${IFS}pwned)"]);
    let mirrors = open(&scratch);
    for reference in ["HEAD", "x'$(touch${IFS}pwned)"] {
        let outcome = fetch_one(&mirrors, &local(&remote, reference));
        assert!(!outcome.is_failed(), "{outcome:?}");
    }
    let pwned = std::process::Command::new("find")
        .args([scratch.path.as_str(), "-name", "pwned"])
        .current_dir("/")
        .output()
        .expect("find runs");
    assert!(pwned.stdout.is_empty());
}
