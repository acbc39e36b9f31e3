//! Layouts, archives, folders and tar files.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use camino::Utf8PathBuf;
use charmproof_images::Root;
use serde_json::json;

use crate::support::{Bench, Compression, Entry, Image, archive, chain, digest, is_root};

fn layers() -> Vec<Vec<u8>> {
    let lower = archive(&[
        Entry::folder("./"),
        Entry::folder("./etc/"),
        Entry::file("./etc/motd", "hello"),
        Entry::file("./etc/gone", "hello"),
        Entry::folder("./etc/conf.d"),
        Entry::file("./etc/conf.d/old", "hello"),
        Entry::folder("./srv/").mode(0o1777),
        Entry::file("./srv/tool", "#!").mode(0o4755).owned_by(33, 34),
        Entry::hard_link("./srv/twin", "./srv/tool"),
        Entry::link("./srv/link", "/etc/motd"),
        Entry::device("./dev/null"),
    ]);
    let upper = archive(&[
        Entry::folder("etc"),
        Entry::file("etc/.wh.gone", ""),
        Entry::folder("etc/conf.d"),
        Entry::file("etc/conf.d/.wh..wh..opq", ""),
        Entry::file("etc/conf.d/new", "new"),
    ]);
    vec![lower, upper]
}

/// Returns what the root holds when its layers lie upon each other.
fn shown(bench: &Bench, root: &Root) -> String {
    // The root of the test has no shell: the overlay is looked at from outside.
    let place = bench.path().join("look");
    fs_err::create_dir_all(&place).unwrap();
    let layers: Vec<&str> = root.layers.iter().map(|layer| layer.as_str()).collect();
    let attributes = if is_root() { "" } else { ",userxattr" };
    let script = format!(
        "mount -t overlay overlay -o lowerdir={}{attributes} . && cd . && cd \"$PWD\" && find . ! -type d | sort",
        layers.join(":")
    );
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let output = command.args(["--mount", "sh", "-c", &script]).current_dir(place).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn layers_lie_upon_each_other_as_the_image_says() {
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let bench = Bench::new();
        let image = Image {
            compression,
            config: json!({"Env": ["PATH=/bin"], "Entrypoint": ["/bin/pebble", "enter"], "User": "33"}),
            ..Image::of(layers())
        };
        let layout = bench.layout("layout", &[("1.0", &image)]);
        let root = bench.images().workload(&format!("oci:{layout}:1.0"), None).unwrap();
        assert_eq!(root.config.entrypoint, ["/bin/pebble", "enter"]);
        assert_eq!(root.config.env["PATH"], "/bin");
        assert_eq!(root.config.user.as_deref(), Some("33"));
        assert_eq!(root.warnings, [""; 0]);
        assert_eq!(
            shown(&bench, &root),
            "./etc/conf.d/new\n./etc/motd\n./srv/link\n./srv/tool\n./srv/twin\n",
            "{compression:?}"
        );
    }
}

#[test]
fn modes_owners_links_and_times_are_kept() {
    let bench = Bench::new();
    let layout = bench.layout("layout", &[("1.0", &Image::of(layers()))]);
    let root = bench.images().workload(&format!("oci:{layout}"), None).unwrap();
    let metadata = |path: &str| fs_err::symlink_metadata(root.layers[1].join(path)).unwrap();
    let tool = metadata("srv/tool");
    assert_eq!(tool.mode() & 0o7777, 0o4755);
    assert_eq!(tool.mtime(), 1_700_000_000);
    assert_eq!(tool.ino(), metadata("srv/twin").ino());
    assert_eq!(metadata("srv").mode() & 0o7777, 0o1777);
    assert_eq!(metadata("etc").mtime(), 1_700_000_000);
    if is_root() {
        assert_eq!((tool.uid(), tool.gid()), (33, 34));
    }
}

#[test]
fn archives_are_read_without_being_unpacked() {
    let bench = Bench::new();
    let six = Image::of(vec![archive(&[Entry::file("six", "")])]);
    let seven = Image::of(vec![archive(&[Entry::file("seven", "")])]);
    let layout = bench.layout("layout", &[("6", &six), ("7", &seven)]);
    let file = bench.path().join("images.tar");
    let tar = Command::new("tar").args(["-C", layout.as_str(), "-cf", file.as_str(), "."]).status().unwrap();
    assert!(tar.success());
    let images = bench.images();
    let check = |reference: String, expected: &str| match images.workload(&reference, None) {
        Ok(root) => assert!(root.layers[0].join(expected).exists(), "{root:?}"),
        Err(error) => assert!(chain(&error).contains(expected), "{}", chain(&error)),
    };
    check(format!("oci-archive:{file}:7"), "seven");
    check(format!("oci-archive:{file}:6"), "six");
    check(format!("oci-archive:{file}:8"), "no image with the tag `8`, only 6, 7");
    check(format!("oci:{layout}:7"), "seven");
    check("oci:/nowhere".into(), "cannot be read");
    check("oci-archive:/nowhere.tar".into(), "cannot be read");
}

#[test]
fn what_docker_saves_is_read() {
    let bench = Bench::new();
    let image = Image::of(layers());
    let configuration = image.configuration();
    let name = format!("{}.json", digest(&configuration).strip_prefix("sha256:").unwrap());
    let manifest = json!([{
        "Config": name, "RepoTags": ["redis:7", "redis:latest"], "Layers": ["one/layer.tar", "two/layer.tar"],
    }]);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let saved = archive(&[
        Entry::file(&name, &text(&configuration)),
        Entry::file("one/layer.tar", &text(&image.layers[0])),
        Entry::file("two/layer.tar", &text(&image.layers[1])),
        Entry::file("manifest.json", &manifest.to_string()),
    ]);
    let file = bench.path().join("redis.tar");
    fs_err::write(&file, saved).unwrap();
    let images = bench.images();
    for reference in [format!("docker-archive:{file}"), format!("docker-archive:{file}:redis:7")] {
        let root = images.workload(&reference, None).unwrap();
        assert_eq!(fs_err::read_to_string(root.layers[0].join("etc/conf.d/new")).unwrap(), "new");
    }
    let error = images.workload(&format!("docker-archive:{file}:redis:6"), None).unwrap_err();
    assert!(chain(&error).contains("no image `redis:6`, only redis:7, redis:latest"), "{error}");
}

#[test]
fn a_layer_that_two_images_share_is_unpacked_once() {
    let bench = Bench::new();
    let shared = archive(&[Entry::file("shared", "text")]);
    let one = Image::of(vec![shared.clone(), archive(&[Entry::file("one", "")])]);
    let two = Image {
        compression: Compression::Zstd,
        ..Image::of(vec![shared, archive(&[Entry::file("two", "")])])
    };
    let layout = bench.layout("layout", &[("one", &one), ("two", &two)]);
    let images = bench.images();
    let one = images.workload(&format!("oci:{layout}:one"), None).unwrap();
    let two = images.workload(&format!("oci:{layout}:two"), None).unwrap();
    assert_eq!(one.layers[1], two.layers[1]);
    assert_ne!(one.layers[0], two.layers[0]);
}

#[test]
fn folders_are_used_where_they_lie_and_tar_files_are_unpacked() {
    let bench = Bench::new();
    let folder = bench.path().join("root");
    fs_err::create_dir_all(folder.join("etc")).unwrap();
    let images = bench.images();
    let root = images.workload(folder.as_str(), None).unwrap();
    assert_eq!(root.layers, [folder.canonicalize_utf8().unwrap()]);

    let file: Utf8PathBuf = bench.path().join("root.tar.zst");
    let plain = archive(&[Entry::folder("./"), Entry::file("./etc/.wh.kept", "text")]);
    fs_err::write(&file, zstd::encode_all(plain.as_slice(), 1).unwrap()).unwrap();
    let root = images.workload(file.as_str(), None).unwrap();
    assert_eq!(fs_err::read_to_string(root.layers[0].join("etc/.wh.kept")).unwrap(), "text");
    assert_eq!(images.workload(file.as_str(), None).unwrap(), root);

    // A file that changed is another root.
    fs_err::write(&file, archive(&[Entry::file("etc/new", "text and more")])).unwrap();
    assert_ne!(images.workload(file.as_str(), None).unwrap(), root);
}

#[test]
fn an_image_is_known_by_what_is_in_it() {
    let bench = Bench::new();
    let layout = bench.layout("layout", &[("1", &Image::of(layers()))]);
    let rock = bench.path().join("demo.rock");
    let tar = Command::new("tar").args(["-C", layout.as_str(), "-cf", rock.as_str(), "."]).status().unwrap();
    assert!(tar.success());
    let images = bench.images();
    let expected = images.workload(&format!("oci:{layout}:1"), None).unwrap();
    assert_eq!(images.workload(rock.as_str(), None).unwrap(), expected);
    assert_eq!(images.workload(layout.as_str(), None).unwrap(), expected);
}

#[test]
fn two_processes_want_the_same_at_once() {
    let bench = Bench::new();
    let layout = bench.layout("layout", &[("1", &Image::of(layers()))]);
    let reference = format!("oci:{layout}");
    let roots: Vec<Root> = std::thread::scope(|scope| {
        let ask = || bench.images().workload(&reference, None).unwrap();
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(roots.windows(2).all(|pair| pair[0] == pair[1]));
}
