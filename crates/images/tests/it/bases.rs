//! Bases: this host's own userland, and roots that a user gave.

use std::process::Command;

use camino::Utf8PathBuf;
use charmproof_images::{Bind, OsRelease, Settings};

use crate::support::{Bench, Entry, Image, archive, chain, is_root, run_in};

/// Returns the version and the program of the Python that tests are sure to find.
pub(crate) fn python() -> ((u32, u32), Utf8PathBuf) {
    let script = "import sys, os; print(*sys.version_info[:2], os.path.realpath(sys.executable))";
    let output = Command::new("python3").args(["-c", script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    ((words[0].parse().unwrap(), words[1].parse().unwrap()), words[2].into())
}

/// A base with the Python that tests are sure to find.
pub(crate) fn base() -> (&'static str, &'static str) {
    match python().0 {
        (3, 8) => ("ubuntu", "20.04"),
        (3, 9) => ("debian", "11"),
        (3, 10) => ("ubuntu", "22.04/stable"),
        (3, 11) => ("ubuntu", "23.10"),
        (3, 12) => ("ubuntu", "24.04"),
        (3, 13) => ("ubuntu", "25.10"),
        (3, 14) => ("ubuntu", "26.04"),
        other => panic!("no base has Python {other:?}"),
    }
}

pub(crate) fn settings() -> Settings {
    Settings { interpreters: [python()].into(), ..Settings::default() }
}

#[test]
fn the_host_stands_in_for_a_base() {
    let bench = Bench::new();
    let (name, channel) = base();
    let root = bench.images_with(settings()).base(name, channel).unwrap();
    let version = python().0;
    let said = run_in(&bench, &root, "python3 -c 'import sys, ssl, json; print(*sys.version_info[:2])'");
    assert_eq!(said, format!("{} {}\n", version.0, version.1));
    // A plain user has no overlay of `/`, and links into what is bound instead.
    assert_eq!(root.layers.last().unwrap() == "/", is_root());
    assert_eq!(root.binds.iter().any(|bind| bind.target == "/.host/usr"), !is_root());
    let release = fs_err::read_to_string("/etc/os-release").unwrap();
    assert_eq!(run_in(&bench, &root, "cat /etc/os-release"), release);
    if !release.contains(&format!("VERSION_ID=\"{}\"", channel.split('/').next().unwrap())) {
        assert!(root.warnings[0].contains("is stood in for by"), "{:?}", root.warnings);
    }
}

#[test]
fn nothing_of_the_hosts_own_is_seen() {
    let bench = Bench::new();
    let (name, channel) = base();
    let root = bench.images_with(settings()).base(name, channel).unwrap();
    assert_eq!(run_in(&bench, &root, "cd /; for f in opt srv mnt media var/tmp; do ls -A $f; done"), "");
    let target = env!("CARGO_TARGET_TMPDIR");
    assert_eq!(run_in(&bench, &root, &format!("ls {target} 2>/dev/null || echo hidden")), "hidden\n");
    assert_eq!(run_in(&bench, &root, "ls -A /home"), "ubuntu\n");
    let local: String = run_in(&bench, &root, "ls /usr/local/bin");
    assert!(local.lines().all(|name| name.starts_with("python3")), "{local}");
    assert_eq!(run_in(&bench, &root, "ls /etc/ssh/ssh_host_* 2>/dev/null | wc -l"), "0\n");
    assert_eq!(run_in(&bench, &root, "find /var/log -type f | wc -l"), "0\n");
    assert_eq!(run_in(&bench, &root, "find /etc/systemd/system/*.wants -type l 2>/dev/null | wc -l"), "0\n");
    assert_eq!(run_in(&bench, &root, "grep -c ^ubuntu:x:1000: /etc/passwd"), "1\n");
    if is_root() {
        let passwords = run_in(&bench, &root, "cut -d: -f2 /etc/shadow | sort -u");
        assert!(passwords.lines().all(|password| ["*", "!"].contains(&password)), "{passwords}");
    }
}

#[test]
fn what_is_written_there_stays_there() {
    let bench = Bench::new();
    let (name, channel) = base();
    let images = bench.images_with(settings());
    let root = images.base(name, channel).unwrap();
    let before = fs_err::read_to_string("/etc/passwd").unwrap();
    run_in(
        &bench,
        &root,
        "echo evil >> /etc/passwd; echo evil > /home/ubuntu/x; rm -rf /usr/local/bin/python3",
    );
    assert_eq!(fs_err::read_to_string("/etc/passwd").unwrap(), before);
    assert_eq!(run_in(&bench, &root, "ls /home/ubuntu; which python3"), "/usr/local/bin/python3\n");
    // The layer is made once.
    assert_eq!(images.base(name, channel).unwrap(), root);
}

/// What a charm is packed with says that its Python lies in `/usr/bin`, which is the host's.
#[test]
fn the_environment_of_a_packed_charm_finds_its_library() {
    let bench = Bench::new();
    let (name, channel) = base();
    let root = bench.images_with(settings()).base(name, channel).unwrap();
    let (major, minor) = python().0;
    let script = format!(
        "mkdir -p /srv/venv/bin /srv/venv/lib/python{major}.{minor}/site-packages && cd /srv/venv && \
         echo 'x = 7' > lib/python{major}.{minor}/site-packages/charmed.py && \
         printf 'home = /usr/bin\\nversion = {major}.{minor}\\n' > pyvenv.cfg && \
         ln -s $(which python3) bin/python && bin/python -c 'import json, charmed; print(charmed.x)'"
    );
    assert_eq!(run_in(&bench, &root, &script), "7\n");
}

#[test]
fn a_foreign_folder_is_hidden_but_for_an_interpreter_in_it() {
    let bench = Bench::new();
    let (version, program) = python();
    let prefix = program.parent().unwrap().parent().unwrap();
    let (name, channel) = base();
    let root = bench.images_with(settings()).base(name, channel).unwrap();
    let own = Bind { source: prefix.to_owned(), target: prefix.to_owned() };
    let is_own = !["/usr", "/usr/local"].contains(&prefix.as_str());
    assert_eq!(root.binds.contains(&own), is_own, "{version:?}");
    // Everybody in the root can run it, wherever it lies.
    for bind in &root.binds {
        for folder in bind.target.ancestors().skip(1).filter(|folder| *folder != "/") {
            let mode = run_in(&bench, &root, &format!("stat -c %A {folder}"));
            assert!(mode.trim_end().ends_with(['x', 't']), "{folder} has {mode}");
        }
    }
}

#[test]
fn a_base_whose_python_is_missing_says_what_to_install() {
    let bench = Bench::new();
    let images = bench.images_with(Settings::default());
    let error = images.base("ubuntu", "26.04").unwrap_err().to_string();
    assert_eq!(
        error,
        "`ubuntu@26.04` has Python 3.14, which this host does not have (no Python); install it with `uv python \
         install 3.14` or `pyenv install 3.14`, or give a root for the base in roots.toml"
    );
    let error = images.base("centos", "7").unwrap_err().to_string();
    assert!(
        error.contains("`centos@7` is no base that charmproof can stand in for, only ubuntu@18.04"),
        "{error}"
    );
}

#[test]
fn a_root_that_a_user_gave_is_taken() {
    let bench = Bench::new();
    let folder = bench.path().join("noble");
    fs_err::create_dir(&folder).unwrap();
    let file = bench.path().join("jammy.tar");
    fs_err::write(&file, archive(&[Entry::file("etc/jammy", "")])).unwrap();
    let layout = bench.layout("focal", &[("1", &Image::of(vec![archive(&[Entry::file("etc/focal", "")])]))]);
    let roots = [
        ("ubuntu@24.04".to_owned(), folder.to_string()),
        ("ubuntu@22.04".to_owned(), file.to_string()),
        ("ubuntu@20.04".to_owned(), format!("oci:{layout}")),
        ("ubuntu@18.04".to_owned(), "/nowhere".to_owned()),
    ];
    let images = bench.images_with(Settings { roots: roots.into(), ..Settings::default() });
    let noble = images.base("ubuntu", "24.04/stable").unwrap();
    assert_eq!(noble.layers, [folder.canonicalize_utf8().unwrap()]);
    assert_eq!(noble.warnings, [""; 0]);
    assert!(noble.config.env["PATH"].contains("/usr/local/bin"));
    let has =
        |channel: &str, path: &str| images.base("ubuntu", channel).unwrap().layers[0].join(path).exists();
    assert!(has("22.04", "etc/jammy"));
    assert!(has("20.04", "etc/focal"));
    let error = chain(&images.base("ubuntu", "18.04").unwrap_err());
    assert!(
        error.contains("`/nowhere`, which is to be the root of `ubuntu@18.04`, cannot be read"),
        "{error}"
    );
}

#[test]
fn a_base_is_claimed_where_that_is_asked_for() {
    let bench = Bench::new();
    let (name, channel) = base();
    let settings = Settings { os_release: OsRelease::Base, ..settings() };
    let root = bench.images_with(settings).base(name, channel).unwrap();
    let version = channel.split('/').next().unwrap();
    let said = run_in(&bench, &root, ". /etc/os-release; echo $ID $VERSION_ID");
    assert_eq!(said, format!("{name} {version}\n"));
}

#[test]
fn what_lies_above_the_host_is_copied_into_the_upper_folder() {
    let bench = Bench::new();
    let (name, channel) = base();
    let root = bench.images_with(settings()).base(name, channel).unwrap();
    let upper = bench.path().join("upper");
    fs_err::create_dir(&upper).unwrap();
    let lower = root.prepare(&upper).unwrap();
    if is_root() {
        assert_eq!(lower, ["/"]);
        let python = upper.join("usr/local/bin/python3");
        assert!(python.is_symlink());
        // A unit that starts again finds what it left.
        fs_err::remove_file(&python).unwrap();
        assert_eq!(root.prepare(&upper).unwrap(), ["/"]);
        assert!(!python.is_symlink());
    } else {
        assert_eq!(lower, root.layers);
    }

    let layout = bench.layout("layout", &[("1", &Image::of(vec![archive(&[Entry::file("a", "")])]))]);
    let image = bench.images().workload(&format!("oci:{layout}"), None).unwrap();
    let upper = bench.path().join("other");
    fs_err::create_dir(&upper).unwrap();
    assert_eq!(image.prepare(&upper).unwrap(), image.layers);
    assert_eq!(upper.read_dir_utf8().unwrap().count(), 0);
}
