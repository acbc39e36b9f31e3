//! `charmproof fleet`: fetching, listing, and what became of the mirrors.

use charmproof_testkit::{Repo, charm};

use crate::support::{Checked, World, small_greeter};

/// A fleet of repositories behind URLs.
fn list(urls: &[(&str, &str)]) -> String {
    let mut text = "schema = 1\n".to_owned();
    for (url, team) in urls {
        text.push_str(&format!("\n[[charm]]\nrepository = \"{url}\"\nteam = \"{team}\"\n"));
    }
    text
}

#[test]
fn a_repository_that_is_missing_is_told_and_the_others_are_fetched() {
    let world = World::new();
    let (web, db) = (small_greeter("web").into_repo(), small_greeter("database").into_repo());
    let missing = format!("file://{}/nowhere", world.env.root());
    world.env.file("fleet.toml", &list(&[(&web.url(), "web"), (&missing, "web"), (&db.url(), "data")]));

    let fetched = world.env.charmproof(&["fleet", "fetch"]).expect_code(3);
    assert!(fetched.stdout.contains("2 of 3 repositories are here"), "{fetched}");
    let line = fetched.stdout.lines().find(|line| line.starts_with("failed:")).unwrap_or_default();
    assert!(line.contains("nowhere"), "{fetched}");

    let redactor = world
        .env
        .redactor()
        .text(web.path().as_str(), "$WEB")
        .text(db.path().as_str(), "$DATABASE")
        .text(web.path().file_name().unwrap(), "web")
        .text(db.path().file_name().unwrap(), "database")
        .text(world.env.root().file_name().unwrap(), "test")
        .pattern(r"\b[0-9a-f]{10}\b", "<commit>")
        .pattern(r" +(\d+\.\d) MiB", " <size> MiB")
        .pattern(r"  +", "  ");
    let sorted = |text: &str| {
        let text = redactor.redact(text);
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    let listed = world.env.charmproof(&["fleet", "list"]).success();
    insta::assert_snapshot!("fleet_list", sorted(&listed));
    let status = world.env.charmproof(&["fleet", "status"]).expect_code(3).stdout;
    insta::assert_snapshot!("fleet_status", sorted(&status));

    // What could be had is run; what could not is told, and is no success of its own.
    let run = world.check(&["unit", "--swap", "charmgreet==2.0", "--attempts", "1"]).code(1);
    assert_eq!(run.report["pairs"].as_array().unwrap().len(), 2);
    let missing = run.report["missing"].as_array().unwrap();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(missing[0]["repository"].as_str().unwrap().contains("nowhere"), "{missing:?}");
    assert!(run.result.stdout.contains("nowhere"), "{}", run.result);
}

#[test]
fn a_force_push_is_followed() {
    let world = World::bare();
    let repo = charm("web").with_tox_unit(&["true"]).into_repo().file("a", "1").commit("Second");
    world.env.file("fleet.toml", &list(&[(&repo.url(), "web")]));
    let commit = |world: &World| {
        let text = world.env.charmproof(&["fleet", "list"]).success();
        text.lines().nth(1).unwrap().split_whitespace().nth(1).unwrap().to_owned()
    };
    let _ = world.env.charmproof(&["fleet", "fetch"]).success();
    assert_eq!(commit(&world), repo.head()[..10]);

    // History is rewritten, and the old commits are gone.
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let repo = repo.file("b", "2").commit("Another second");
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "--quiet", "--prune=now"]);
    let _ = world.env.charmproof(&["fleet", "fetch"]).success();
    assert_eq!(commit(&world), repo.head()[..10]);

    // A branch that is gone altogether is a failure, not the tree of yesterday.
    repo.git(&["branch", "-m", "trunk"]);
    world.env.file("fleet.toml", &format!("{}branch = \"main\"\n", list(&[(&repo.url(), "web")])));
    let gone = world.env.charmproof(&["fleet", "fetch"]).expect_code(3);
    assert!(gone.stdout.contains("failed:") && gone.stdout.contains("main"), "{gone}");
}

#[test]
fn a_bundle_is_its_charms() {
    let world = World::new();
    let mut repo = Repo::new()
        .file("bundle.yaml", "name: suite\napplications: {}\n")
        .file("charmcraft.yaml", "type: bundle\nname: suite\n")
        .file("tox.ini", "[tox]\nno_package = true\n\n[testenv:unit]\ncommands = false\n");
    for name in ["web", "worker"] {
        for (path, text) in small_greeter(name).files() {
            repo = repo.file(&format!("charms/{name}/{path}"), &text);
        }
    }
    let repo = repo.commit("Begin");
    let listed = world.env.charmproof(&["fleet", "list", &repo.url()]).expect_code(0);
    assert!(listed.stdout.contains("missing"), "it was not fetched\n{listed}");
    let _ = world.env.charmproof(&["fleet", "fetch", &repo.url()]).success();
    let listed = world.env.charmproof(&["fleet", "list", &repo.url()]).success();
    assert!(listed.contains("2 charms to run"), "{listed}");
    for name in ["charms/web", "charms/worker"] {
        assert!(listed.contains(name), "{listed}");
    }
    let run = world.check(&["unit", &repo.url(), "--swap", "charmgreet==2.0", "--attempts", "1"]).code(1);
    assert_eq!(run_charms(&run), ["charms/web", "charms/worker"], "{}", run.result);
    for name in ["web", "worker"] {
        run.expect(name, "unit", "regressed: pass -> fail");
    }
    // One charm of it, by name and by folder.
    let one = world.check(&["unit", &repo.url(), "--swap", "charmgreet==2.0", "--charm", "worker"]).code(1);
    assert_eq!(run_charms(&one), ["charms/worker"], "{}", one.result);
    let url = format!("{}#subdirectory=charms/web", repo.url());
    let one = world.check(&["unit", &url, "--swap", "charmgreet==2.0", "--attempts", "1"]).code(1);
    assert_eq!(run_charms(&one), ["charms/web"], "{}", one.result);
}

/// The folders of the charms that were run, those left out not among them.
fn run_charms(run: &Checked) -> Vec<&str> {
    let pairs = run.report["pairs"].as_array().unwrap().iter();
    pairs
        .filter(|pair| pair["baseline"]["outcome"] != "filtered")
        .map(|pair| pair["root"].as_str().unwrap())
        .collect()
}
