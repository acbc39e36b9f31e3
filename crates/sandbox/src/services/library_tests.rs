//! Tests of `library`, on small trees of files.

use std::os::unix::fs::symlink;

use super::*;

struct Tree {
    _folder: tempfile::TempDir,
    library: Library,
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    for (path, content) in files {
        let path = in_root(&root, path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        if let Some(target) = content.strip_prefix("-> ") {
            symlink(target, path).unwrap();
            continue;
        }
        fs_err::write(&path, content).unwrap();
        let mode = if content.starts_with("#!") { 0o755 } else { 0o644 };
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    Tree { library: Library::new(&root), _folder: folder }
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).unwrap()
}

const SERVICE: &str = "[Unit]\nDescription=D %i\n[Service]\nExecStart=/bin/a\n";

#[track_caller]
fn check(files: &[(&str, &str)], asked: &str, expected: (LoadState, &str, Option<&str>)) {
    let unit = tree(files).library.load(&name(asked));
    let fragment = unit.source.fragment.as_ref().map(|path| path.as_str());
    let (load, name, path) = expected;
    assert_eq!((unit.load.clone(), unit.name.as_str(), fragment), (load, name, path));
}

#[test]
fn the_folder_of_the_administrator_wins() {
    let files = [("/lib/systemd/system/a.service", SERVICE), ("/etc/systemd/system/a.service", SERVICE)];
    check(&files, "a.service", (LoadState::Loaded, "a.service", Some("/etc/systemd/system/a.service")));
    check(&files, "b.service", (LoadState::NotFound, "b.service", None));
}

#[test]
fn links_are_masks_other_names_or_files_elsewhere() {
    let files = [
        ("/lib/systemd/system/a.service", SERVICE),
        ("/etc/systemd/system/b.service", "-> /lib/systemd/system/a.service"),
        ("/etc/systemd/system/c.service", "-> /dev/null"),
        ("/srv/own.service", SERVICE),
        ("/etc/systemd/system/own.service", "-> /srv/own.service"),
        ("/etc/systemd/system/circle.service", "-> other.service"),
        ("/etc/systemd/system/other.service", "-> circle.service"),
    ];
    check(&files, "b.service", (LoadState::Loaded, "a.service", Some("/lib/systemd/system/a.service")));
    check(&files, "c.service", (LoadState::Masked, "c.service", Some("/etc/systemd/system/c.service")));
    check(&files, "own.service", (LoadState::Loaded, "own.service", Some("/srv/own.service")));
    check(&files, "circle.service", (LoadState::NotFound, "circle.service", None));
    let unit = tree(&files).library.load(&name("a.service"));
    assert_eq!(unit.aliases, [name("b.service")].into());
}

#[test]
fn instances_are_made_of_their_template() {
    let files = [("/lib/systemd/system/w@.service", SERVICE)];
    check(&files, "w@3.service", (LoadState::Loaded, "w@3.service", Some("/lib/systemd/system/w@.service")));
    assert_eq!(tree(&files).library.load(&name("w@3.service")).description, "D 3");
}

#[test]
fn drop_ins_are_read_in_their_order() {
    let tree = tree(&[
        ("/lib/systemd/system/a-b.service", SERVICE),
        ("/etc/systemd/system/a-b.service.d/20.conf", "[Unit]\nDescription=twenty\n"),
        ("/lib/systemd/system/a-b.service.d/10.conf", "[Unit]\nDescription=ten\n"),
        ("/lib/systemd/system/a-.service.d/30.conf", "[Unit]\nWants=x.service\n"),
        ("/lib/systemd/system/a-b.service.d/20.conf", "[Unit]\nDescription=hidden\n"),
        ("/run/systemd/system/a-b.service.d/99.txt", "[Unit]\nDescription=no drop-in\n"),
    ]);
    let unit = tree.library.load(&name("a-b.service"));
    assert_eq!(unit.description, "twenty");
    assert_eq!(unit.wants, [name("x.service")].into());
    assert_eq!(
        unit.source.drop_ins,
        [
            "/lib/systemd/system/a-b.service.d/10.conf",
            "/etc/systemd/system/a-b.service.d/20.conf",
            "/lib/systemd/system/a-.service.d/30.conf",
        ]
    );
    assert!(!tree.library.is_outdated(&unit));
    fs_err::write(tree.library.path("/etc/systemd/system/a-b.service.d/40.conf"), "").unwrap();
    assert!(tree.library.is_outdated(&unit));
}

#[test]
fn links_in_folders_are_dependencies() {
    let unit = tree(&[
        ("/lib/systemd/system/multi-user.target", "[Unit]\nDescription=Multi-User System\n"),
        ("/etc/systemd/system/multi-user.target.wants/a.service", "-> /lib/systemd/system/a.service"),
        ("/lib/systemd/system/multi-user.target.requires/b.service", "-> ../b.service"),
    ])
    .library
    .load(&name("multi-user.target"));
    assert_eq!((unit.wants, unit.requires), ([name("a.service")].into(), [name("b.service")].into()));
    assert_eq!(unit.after, [name("a.service"), name("b.service")].into());
}

#[test]
fn an_init_script_is_a_service() {
    let script = "#!/bin/sh\n### BEGIN INIT INFO\n# Short-Description: old daemon\n### END INIT INFO\n";
    let unit = tree(&[("/etc/init.d/old", script)]).library.load(&name("old.service"));
    assert_eq!((unit.load.clone(), unit.description.as_str()), (LoadState::Loaded, "LSB: old daemon"));
    assert_eq!(unit.source.script.as_deref(), Some(Utf8Path::new("/etc/init.d/old")));
    assert_eq!(unit.service().unwrap().start[0].shown(), "/etc/init.d/old start");
}

#[test]
fn what_the_machine_stands_for_is_there_without_a_file() {
    check(&[], "systemd-journald.service", (LoadState::Loaded, "systemd-journald.service", None));
    check(&[], "network-online.target", (LoadState::Loaded, "network-online.target", None));
    check(&[], "no-such.target", (LoadState::NotFound, "no-such.target", None));
}
