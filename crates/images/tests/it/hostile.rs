//! Archives and layouts that are up to no good: nothing outside of the cache changes, nothing stays in it,
//! and the error says what was wrong.

use camino::Utf8Path;
use charmproof_images::{Limits, Settings};
use serde_json::json;

use crate::support::{Bench, Compression, Entry, Image, archive, chain, digest, is_root};

/// Returns the path of a file that nobody may touch, and how an archive reaches it by going up.
fn secret(bench: &Bench) -> String {
    let secret = bench.path().join("secret");
    fs_err::write(&secret, "untouched").unwrap();
    secret.into_string()
}

fn check(entries: &[Entry], expected: &str) {
    let bench = Bench::new();
    let secret = secret(&bench);
    let image = Image::of(vec![archive(entries)]);
    let layout = bench.layout("layout", &[("1", &image)]);
    let limits = Limits { bytes: 1 << 20, entries: 50, layers: 3 };
    let images = bench.images_with(Settings { limits, ..Settings::default() });
    let error = images.workload(&format!("oci:{layout}"), None).unwrap_err();
    let text = chain(&error);
    assert!(text.contains(expected), "{text}");
    assert_eq!(fs_err::read_to_string(secret).unwrap(), "untouched");
    assert_nothing_stays(&bench.path().join("cache"));
}

fn assert_nothing_stays(cache: &Utf8Path) {
    for folder in ["layers/root", "layers/user", "temporary"] {
        let names: Vec<String> =
            cache.join(folder).read_dir_utf8().unwrap().map(|e| e.unwrap().file_name().to_owned()).collect();
        assert_eq!(names, [""; 0], "{folder}");
    }
}

#[test]
fn names_that_leave_the_root_are_refused() {
    check(&[Entry::file("/etc/evil", "x")], "entry `/etc/evil` is refused: its path is absolute");
    check(&[Entry::file("../../../../secret", "x")], "its path has `..` in it");
    check(&[Entry::folder("a"), Entry::file("a/../../evil", "x")], "its path has `..` in it");
    check(&[Entry::file("a/.wh.b/evil", "x")], "below a mark");
}

#[test]
fn nothing_is_written_through_a_link() {
    check(
        &[Entry::link("a", "/"), Entry::file("a/tmp/evil", "x")],
        "entry `a/tmp/evil` is refused: something before it on its path is a link",
    );
    check(
        &[Entry::link("a", "../../../.."), Entry::folder("a/evil")],
        "something before it on its path is a link",
    );
    check(
        &[Entry::folder("d"), Entry::link("d/up", ".."), Entry::link("d/up/evil", "x")],
        "something before it on its path is a link",
    );
    check(&[Entry::link("a", "/"), Entry::hard_link("evil", "a/etc/passwd")], "is a link or a file");
    check(&[Entry::link("a", "/etc"), Entry::file("a/.wh.passwd", "")], "is a link or a file");
    check(&[Entry::link("a", "/etc"), Entry::file("a/.wh..wh..opq", "")], "is a link or a file");
}

#[test]
fn a_file_takes_the_place_of_a_link_and_not_of_what_it_leads_to() {
    let bench = Bench::new();
    let secret = secret(&bench);
    // The names of a header are short, so the link goes up.
    let up = "../".repeat(30);
    let target = format!("{up}{}", secret.trim_start_matches('/'));
    let target = if target.len() < 100 { target } else { "/etc/hostname".to_owned() };
    let host = fs_err::read_to_string("/etc/hostname").ok();
    let image = Image::of(vec![archive(&[Entry::link("a", &target), Entry::file("a", "evil")])]);
    let layout = bench.layout("layout", &[("1", &image)]);
    let root = bench.images().workload(&format!("oci:{layout}"), None).unwrap();
    assert_eq!(fs_err::read_to_string(root.layers[0].join("a")).unwrap(), "evil");
    assert_eq!(fs_err::read_to_string(secret).unwrap(), "untouched");
    assert_eq!(fs_err::read_to_string("/etc/hostname").ok(), host);
}

#[test]
fn links_that_leave_the_root_are_refused() {
    check(&[Entry::hard_link("evil", "/etc/passwd")], "hard link to an absolute path");
    check(&[Entry::hard_link("evil", "../../secret")], "hard link to a path with `..`");
    check(&[Entry::hard_link("evil", "nowhere")], "is not in the same archive");
    check(&[Entry::link("evil", "")], "its link leads nowhere");
}

#[test]
fn what_does_not_belong_into_a_root_is_refused() {
    check(&[Entry::device("evil")], "it is a device");
    check(&[Entry::device("srv/disk")], "it is a device");
    check(&[Entry::file("./", "x")], "the root is no folder");
}

#[test]
fn absurd_sizes_are_refused() {
    check(&[Entry::file("big", &"x".repeat(2 << 20))], "more than 1048576 bytes");
    check(&[Entry::file("big", "x").claiming(1 << 60)], "more than 1048576 bytes");
    let many: Vec<Entry> = (0..60).map(|number| Entry::file(&format!("f{number}"), "")).collect();
    check(&many, "more than 50 entries");
    // A kilobyte that becomes a gigabyte.
    for compression in [Compression::Gzip, Compression::Zstd] {
        let bench = Bench::new();
        let image = Image { compression, ..Image::of(vec![vec![0; 64 << 20]]) };
        let layout = bench.layout("layout", &[("1", &image)]);
        let limits = Limits { bytes: 1 << 20, ..Limits::default() };
        let images = bench.images_with(Settings { limits, ..Settings::default() });
        let text = chain(&images.workload(&format!("oci:{layout}"), None).unwrap_err());
        assert!(text.contains("more than 1048576 bytes"), "{text}");
        assert_nothing_stays(&bench.path().join("cache"));
    }
    let bench = Bench::new();
    let image = Image::of((0..4).map(|n| archive(&[Entry::file(&format!("f{n}"), "")])).collect());
    let layout = bench.layout("layout", &[("1", &image)]);
    let limits = Limits { layers: 3, ..Limits::default() };
    let images = bench.images_with(Settings { limits, ..Settings::default() });
    let text = chain(&images.workload(&format!("oci:{layout}"), None).unwrap_err());
    assert!(text.contains("it has 4 layers, and between 1 and 3 are possible"), "{text}");
}

#[test]
fn a_long_name_is_not_read_into_memory() {
    let mut long = Entry::file("x", "").claiming(1 << 30);
    long = long.of_kind(tar::EntryType::GNULongName);
    let bench = Bench::new();
    let layout = bench.layout("layout", &[("1", &Image::of(vec![archive(&[long])]))]);
    let text = chain(&bench.images().workload(&format!("oci:{layout}"), None).unwrap_err());
    assert!(text.contains("a name or attribute in it has 1073741824 bytes"), "{text}");
}

#[test]
fn a_part_that_is_not_what_it_should_be_is_refused() {
    let bench = Bench::new();
    let image = Image::of(vec![archive(&[Entry::file("a", "text")])]);
    let text_of = |spoil: &dyn Fn(&Utf8Path)| {
        let _ = fs_err::remove_dir_all(bench.path().join("layout"));
        let layout = bench.layout("layout", &[("1", &image)]);
        spoil(&layout);
        chain(&bench.images().workload(&format!("oci:{layout}"), None).unwrap_err())
    };
    let check = |spoil: &dyn Fn(&Utf8Path), expected: &str| {
        let text = text_of(spoil);
        assert!(text.contains(expected), "{text}");
        assert_nothing_stays(&bench.path().join("cache"));
    };
    let blob = |layout: &Utf8Path, bytes: &[u8]| {
        layout.join("blobs/sha256").join(digest(bytes).strip_prefix("sha256:").unwrap())
    };
    let layer = || image.blobs().into_values().find(|blob| blob.starts_with(&[0x1f, 0x8b])).unwrap();
    let other = Image::of(vec![archive(&[Entry::file("a", "evil")])]);
    let other_layer = || other.blobs().into_values().find(|blob| blob.starts_with(&[0x1f, 0x8b])).unwrap();

    check(&|layout| fs_err::remove_file(blob(layout, &image.configuration())).unwrap(), "it lacks a part");
    check(&|layout| fs_err::remove_file(blob(layout, &layer())).unwrap(), "it lacks a part");
    check(
        &|layout| fs_err::write(blob(layout, &layer()), other_layer()).unwrap(),
        "its content has the digest",
    );
    check(&|layout| fs_err::write(blob(layout, &layer()), &layer()[..40]).unwrap(), "it is damaged");
    check(&|layout| fs_err::write(blob(layout, &layer()), b"junk").unwrap(), "it is damaged");
    check(
        &|layout| fs_err::write(blob(layout, &image.configuration()), other.configuration()).unwrap(),
        "what should be sha256:",
    );
    for junk in ["", "{", "[]", "{\"manifests\": 7}", "{\"schemaVersion\": 1, \"fsLayers\": []}"] {
        check(&|layout| fs_err::write(layout.join("index.json"), junk).unwrap(), "is broken");
    }
    let huge = vec![b' '; 5 << 20];
    check(&|layout| fs_err::write(layout.join("index.json"), &huge).unwrap(), "more than 4194304 bytes");
    let evil = json!({"manifests": [{"digest": "sha256:../../../../etc/passwd", "size": 4}]}).to_string();
    check(&|layout| fs_err::write(layout.join("index.json"), &evil).unwrap(), "no digest such as");
}

#[test]
fn a_layer_cannot_pass_on_words_of_an_overlay() {
    // As root, such an attribute could make an overlay show another folder of the host.
    let mut extension = String::new();
    for (key, value) in
        [("trusted.overlay.redirect", "/root"), ("user.overlay.opaque", "y"), ("user.kept", "v")]
    {
        let line = format!(" SCHILY.xattr.{key}={value}\n");
        let length = line.len() + 2;
        extension += &format!("{length}{line}");
    }
    let attributes = Entry::file("pax", &extension).of_kind(tar::EntryType::XHeader);
    let bench = Bench::new();
    let image = Image::of(vec![archive(&[attributes, Entry::folder("a")])]);
    let layout = bench.layout("layout", &[("1", &image)]);
    let root = bench.images().workload(&format!("oci:{layout}"), None).unwrap();
    let has =
        |name: &str| rustix::fs::lgetxattr(root.layers[0].join("a").as_str(), name, &mut [0; 8]).is_ok();
    assert!(!has("trusted.overlay.redirect"));
    assert!(!has("user.overlay.opaque"));
    assert_eq!(has("user.kept"), is_root());
}
