//! Mistakes, damage and company: what is wrong is said before anything runs, and what
//! is broken is made again.

use std::process::{Command, Stdio};

use charmproof_testkit::{Repo, charm};

use crate::support::{LOUD, PROGRAM, World, package_source, run_of, small_greeter};

#[test]
fn a_spec_that_cannot_be_read_is_shown_with_the_place() {
    let world = World::bare();
    world.add(&charm("web"));
    let mut all = String::new();
    for spec in [
        "ops=>3.8",
        "ops @",
        "ops @ git+https://",
        "@ ../operator",
        "ops==",
        "charms.web -> x.py",
        "ops[testing",
        "",
        "ops @ canonical:",
    ] {
        let result = world.env.charmproof(&["check", "unit", "./fleet", "--swap", spec]).expect_code(2);
        assert_eq!(result.stdout, "");
        all.push_str(&format!("{}\n", world.env.redactor().redact(&result.stderr)));
    }
    insta::assert_snapshot!("bad_specs", all);
}

#[test]
fn a_list_with_mistakes_says_where_they_are() {
    let world = World::bare();
    let web = charm("web").with_tox_unit(&["true"]).into_repo();
    let csv = format!(
        "Team,Repository,Branch (if not the default)\nA,{},\nB,\"unfinished,main\nC,not a url,\nD\n",
        web.url()
    );
    world.env.file("charms.csv", &csv);
    world.env.file(
        "misspelt.toml",
        "schema = 1\n\n[[charm]]\npath = \"fleet/web\"\ntimeot_s = 5\n\n[[charm]]\nrepo = \"https://example.com/x\"\n",
    );
    world.env.file("broken.toml", "schema = 1\n[[charm]\npath = \"x\"\n");
    world.env.file("newer.toml", "schema = 7\n");
    let redactor = world
        .env
        .redactor()
        .text(&web.url(), "file://$WEB")
        .text(web.path().file_name().unwrap(), "web")
        .pattern(r"\^+", "^");

    let mut all = String::new();
    let lenient = world.env.charmproof(&["fleet", "list", "charms.csv"]).expect_code(0);
    all.push_str(&format!("## lenient\n{}\n", redactor.redact(&lenient.stderr)));
    for (words, name) in [
        (&["charms.csv", "--strict"][..], "strict"),
        (&["misspelt.toml"], "misspelt"),
        (&["broken.toml"], "broken"),
        (&["newer.toml"], "newer"),
        (&["nowhere.csv"], "nowhere"),
    ] {
        let words = [&["check", "unit", "--swap", "ops==3.8.0"], words].concat();
        let result = world.env.charmproof(&words).expect_code(2);
        all.push_str(&format!("## {name}\n{}\n", redactor.redact(&result.stderr)));
    }
    insta::assert_snapshot!("bad_lists", all);
    assert!(
        !world.cache().join("store/runs").exists()
            || world.cache().join("store/runs").read_dir_utf8().unwrap().next().is_none()
    );
}

#[test]
fn a_branch_that_is_not_there_is_told_before_anything_runs() {
    let world = World::new();
    world.add(&small_greeter("web"));
    let repo = package_source("2.0", LOUD)
        .into_iter()
        .fold(Repo::new(), |repo, (path, text)| repo.file(&path, &text))
        .commit("Begin")
        .branch("feature/greeting");
    let spec = format!("charmgreet @ git+{}@feature/greetings", repo.url());
    let result = world.env.charmproof(&["check", "unit", "./fleet", "--swap", &spec]).expect_code(3);
    assert!(result.stderr.contains("feature/greetings"), "{result}");
    assert!(
        result.stderr.contains("did you mean") && result.stderr.contains("`feature/greeting`"),
        "{result}"
    );
    assert_eq!(run_of(&result.stderr), None, "nothing may run\n{result}");

    for (spec, word) in [
        ("charmgreet @ ./nowhere", "nowhere"),
        ("charmgreet==9.9", "9.9"),
        ("charms.x.v0.y -> ./nowhere.py", "nowhere.py"),
        ("charmgreet @ ./fleet/web", "pyproject.toml"),
    ] {
        let result = world.env.charmproof(&["check", "unit", "./fleet", "--swap", spec]).expect_code(3);
        assert!(result.stderr.contains(word), "{result}");
        assert_eq!(run_of(&result.stderr), None, "nothing may run\n{result}");
    }
    let twice = ["check", "unit", "./fleet", "--swap", "charmgreet==1.0", "--swap", "charmgreet==2.0"];
    let result = world.env.charmproof(&twice);
    assert!(result.code == Some(2) || result.code == Some(3), "{result}");
    assert!(result.stderr.contains("swapped twice"), "{result}");
}

#[test]
fn what_is_named_must_be_there() {
    let world = World::new();
    world.add(&small_greeter("web"));
    world.add(&small_greeter("webhook"));
    let run = world.check(&["unit", "./fleet", "--swap", "charmgreet==2.0", "--attempts", "1"]).code(1);

    let mut all = String::new();
    for words in [
        &["show", "latest", "databse"][..],
        &["show", "latest", "we"],
        &["show", "latest", "webhook", "test_nothing"],
        &["show", "20200101-000000-aaaa"],
        &["report", "nowhere"],
        &["compare", "latest", "previous"],
        &["resume", "20200101"],
        &["check", "unit", "./nowhere", "--swap", "charmgreet==2.0"],
        &["check", "./fleet", "--swap", "charmgreet==2.0"],
        &["check", "unit", "./fleet", "--swap", "charmgreet==2.0", "--charm", "database"],
        &["check", "unit", "./fleet", "--swap", "charmgreet==2.0", "--shard", "3/2"],
        &["check", "unit", "./fleet", "--swap", "charmgreet==2.0", "--env", "NOVALUE"],
        &["check", "unit", "./fleet", "--swap", "charmgreet==2.0", "--at", "nowhere"],
    ] {
        let result = world.env.charmproof(words);
        assert!(result.code == Some(2) || result.code == Some(3), "{words:?}\n{result}");
        all.push_str(&format!(
            "$ charmproof {}\n[{}] {}\n",
            words.join(" "),
            result.code.unwrap(),
            world.env.redactor().redact(&result.stderr)
        ));
    }
    insta::assert_snapshot!("not_there", all);

    // The start of a name and a part of a charm are enough where they fit one.
    let shown = world.env.charmproof(&["show", &run.run()[..17], "webhook", "test_greets"]).success();
    assert!(shown.contains("HELLO you"), "{shown}");
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let world = World::bare();
    let _ = world.env.charmproof(&["runs"]).success();
    let format = world.cache().join("store/format");
    fs_err::write(&format, "99\n").unwrap();
    for words in [&["runs"][..], &["check", "unit", "./fleet", "--swap", "ops==3.8.0"], &["show"]] {
        let result = world.env.charmproof(words).expect_code(3);
        assert!(result.stderr.contains("newer charmproof"), "{result}");
    }
    assert_eq!(fs_err::read_to_string(&format).unwrap(), "99\n");
    fs_err::write(&format, "one\n").unwrap();
    let result = world.env.charmproof(&["runs"]).expect_code(3);
    assert!(result.stderr.contains("format"), "{result}");
}

#[test]
fn a_damaged_cache_is_made_again() {
    let world = World::new();
    world.add(&small_greeter("web"));
    world.checkout("operator", "2.0", LOUD);
    let words = ["unit", "./fleet", "--swap", "charmgreet @ ./operator", "--attempts", "1"];
    let anew = [&words[..], &["--no-reuse"]].concat();
    let first = world.check(&words).code(1);

    // A prepared swap with other files than it was made with.
    let swaps = world.cache().join("swaps");
    let prepared = || {
        let entries = swaps.read_dir_utf8().unwrap().flatten().map(|entry| entry.path().to_owned());
        entries.filter(|path| path.join("prepared.json").is_file()).collect::<Vec<_>>()
    };
    let [entry] = &prepared()[..] else { panic!("one swap was prepared") };
    let module = entry.join("tree-0/charmgreet/__init__.py");
    fs_err::write(&module, "def greet(name):\n    return 'hello ' + name\n").unwrap();
    let again = world.check(&anew).code(1);
    assert_eq!(again.table(), first.table());
    assert_eq!(fs_err::read_to_string(&module).unwrap(), LOUD);
    assert_eq!(again.side("web", "unit", "candidate")["proof"], "in-process");
    // Its description, torn.
    let index = entry.join("prepared.json");
    let text = fs_err::read_to_string(&index).unwrap();
    fs_err::write(&index, &text[..text.len() / 2]).unwrap();
    assert_eq!(world.check(&anew).code(1).table(), first.table());
    // Its wheel is gone.
    let wheels = |folder: &camino::Utf8Path| {
        let entries = folder.read_dir_utf8().unwrap().flatten().map(|entry| entry.path().to_owned());
        entries.filter(|path| path.extension() == Some("whl")).collect::<Vec<_>>()
    };
    for wheel in wheels(entry) {
        fs_err::remove_file(wheel).unwrap();
    }
    assert_eq!(world.check(&anew).code(1).table(), first.table());

    // A slot whose environment was tampered with after a good run.
    let slots = world.cache().join("work/s");
    let mut damaged = 0;
    for slot in slots.read_dir_utf8().unwrap().flatten() {
        for python in ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"] {
            let site = slot
                .path()
                .join(format!("r/.tox/unit/lib/python{python}/site-packages/charmgreet/__init__.py"));
            if site.is_file() {
                fs_err::remove_file(&site).unwrap();
                fs_err::write(&site, "def greet(name):\n    return 'hello ' + name\n").unwrap();
                damaged += 1;
            }
        }
    }
    assert_eq!(damaged, 2, "both sides have an environment");
    assert_eq!(world.check(&anew).code(1).table(), first.table());

    // The index of the store is a cache of the logs.
    let database = world.cache().join("store/index.sqlite");
    for suffix in ["-wal", "-shm"] {
        let _ = fs_err::remove_file(format!("{database}{suffix}"));
    }
    fs_err::write(&database, "not a database at all, but long enough to be taken for one".repeat(100))
        .unwrap();
    let reused = world.check(&words).code(1);
    assert_eq!(reused.table(), first.table());
    assert_eq!(reused.reused(), 2, "{}", reused.result);
    let listed = world.env.charmproof(&["runs", "--rebuild-index"]).success();
    assert!(listed.contains(first.run()) && listed.contains(reused.run()), "{listed}");
}

#[test]
fn two_checks_of_one_fleet_at_the_same_time() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.add(&small_greeter(name));
    }
    let words = ["check", "unit", "./fleet", "--swap", "charmgreet==2.0", "--attempts", "1"];
    let children: Vec<_> = (0..2)
        .map(|_| world.env.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let mut tables = Vec::new();
    let mut names = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let run = run_of(&said).unwrap();
        tables.push(crate::support::table(&world.report(&run)));
        names.push(run);
    }
    assert_ne!(names[0], names[1]);
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0].matches("\"regressed\" \"pass\" \"fail\"").count(), 3, "{}", tables[0]);
}

/// Runs the tool in a mount namespace with a file system of so many KiB at a folder.
fn on_a_small_disk(world: &World, folder: &str, kib: u32, words: &[&str]) -> charmproof_testkit::CliResult {
    let folder = world.cache().join(folder);
    fs_err::create_dir_all(&folder).unwrap();
    let script = format!("mount -t tmpfs -o size={kib}k tmpfs '{folder}' && exec \"$@\"");
    let plain = world.env.command(words);
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script, "sh", PROGRAM])
        .args(plain.get_args())
        .current_dir(world.env.work())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    charmproof_testkit::CliResult {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Whether file systems may be mounted here.
fn can_mount() -> bool {
    let status = Command::new("unshare").args(["--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_is_nobodys_regression() {
    if !can_mount() {
        #[expect(clippy::print_stderr, reason = "a test that was left out says so")]
        {
            eprintln!("left out: only root can mount a small disk");
        }
        return;
    }
    let world = World::new();
    world.add(&small_greeter("web"));
    let words = ["check", "unit", "./fleet", "--swap", "charmgreet==2.0", "--attempts", "1"];
    let run = world.checked(on_a_small_disk(&world, "work/s", 512, &words)).code(3);
    run.expect("web", "unit", "blocked: could-not-prepare/disk -> could-not-prepare/disk");

    // The results themselves cannot be kept: the run stops, and says so.
    let result = on_a_small_disk(&world, "store", 96, &words);
    assert_eq!(result.code, Some(3), "{result}");
    assert!(result.stderr.contains("No space left") || result.stderr.contains("disk is full"), "{result}");

    // With room again, the trouble is not remembered.
    world.check(&words[1..]).code(1).expect("web", "unit", "regressed: pass -> fail");
}

#[test]
fn shards_that_are_merged_are_the_whole() {
    let world = World::new();
    for name in ["a", "b", "c", "d", "e"] {
        world.add(&small_greeter(name));
    }
    let words = ["unit", "./fleet", "--swap", "charmgreet==2.0", "--attempts", "1"];
    let parts: Vec<_> = ["1/2", "2/2"]
        .iter()
        .map(|shard| world.check(&[&words[..], &["--shard", shard]].concat()).code(1))
        .collect();
    let charms = |run: &crate::support::Checked| -> Vec<String> {
        let pairs = run.report["pairs"].as_array().unwrap().iter();
        pairs.map(|pair| pair["charm"].as_str().unwrap().to_owned()).collect()
    };
    assert!(parts.iter().all(|part| charms(part).len() >= 2), "they are of one size");
    let mut all: Vec<String> = parts.iter().flat_map(charms).collect();
    all.sort();
    // Although the first has left its costs where the second looks for some.
    assert_eq!(all, ["a", "b", "c", "d", "e"]);

    let merged = world.env.charmproof(&["merge", parts[0].run(), parts[1].run()]).expect_code(1);
    let report = world.report("latest");
    let whole = world.check(&words).code(1);
    assert_eq!(whole.reused(), 10);
    assert_eq!(crate::support::table(&report), whole.table(), "{merged}");
}

#[test]
fn a_check_at_an_earlier_run_uses_its_commits() {
    let world = World::new();
    let repo = small_greeter("web").into_repo();
    let old = repo.head();
    let url = repo.url();
    let words = ["unit", &url, "--swap", "charmgreet==2.0", "--attempts", "1"];
    let first = world.check(&words).code(1);
    let commit =
        |run: &crate::support::Checked| run.report["pairs"][0]["commit"].as_str().unwrap().to_owned();
    assert_eq!(commit(&first), old);

    let repo = repo.without("tests/unit/test_charm.py").file("tests/unit/test_other.py",
        "import unittest\n\nimport charmgreet\n\n\nclass Other(unittest.TestCase):\n    def test_other(self):\n        pass\n").commit("Move on");
    // A mirror that is there is used as it is.
    assert_eq!(commit(&world.check(&words).code(1)), old);
    let refreshed = world.check(&[&words[..], &["--refresh"]].concat()).code(0);
    assert_eq!(commit(&refreshed), repo.head());

    let at = world.check(&[&words[..], &["--at", first.run()]].concat()).code(1);
    assert_eq!(commit(&at), old);
    assert_eq!(at.table(), first.table());
    assert_eq!(at.reused(), 2);
}
