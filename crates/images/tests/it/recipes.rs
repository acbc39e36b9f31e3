//! Recipes, with packages that are made for the test.

use std::io::Write as _;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_images::{Builder, Images, Root, Settings, Standing};
use charmproof_sandbox::{CancelToken, Launcher};

use crate::bases::python;
use crate::support::{Bench, Entry, Image, archive, chain, is_root, run_in};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_charmproof-images-launch");
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Returns a link to uv, both where steps see nothing: so it is where people have it in an odd place.
fn linked_uv(bench: &Bench) -> Utf8PathBuf {
    let (folder, link) = (bench.hidden().join("programs"), bench.hidden().join("uv"));
    if !link.is_symlink() {
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::copy(uv().canonicalize_utf8().unwrap(), folder.join("uv")).unwrap();
        fs_err::os::unix::fs::symlink(folder.join("uv"), &link).unwrap();
    }
    link
}

/// Returns uv, from the search path or from where `make setup` puts it.
fn uv() -> Utf8PathBuf {
    let path = std::env::var("PATH").unwrap();
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/bin");
    let mut places = path.split(':').chain([own]).map(|folder| Utf8Path::new(folder).join("uv"));
    places.find(|place| place.is_file()).unwrap()
}

fn builder(bench: &Bench, variables: &[(&str, &str)]) -> Builder {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Builder {
        launcher: Launcher::new(LAUNCHER.into(), Vec::new()),
        uv: Some(linked_uv(bench)),
        uv_cache: bench.path().join("uv"),
        environment: variables.collect(),
        search_path: PATH.to_owned(),
        hidden: Vec::new(),
        cancel: CancelToken::new().unwrap(),
    }
}

fn images(bench: &Bench, recipes: &str, variables: &[(&str, &str)]) -> Images {
    let file = bench.path().join("images.toml");
    fs_err::write(&file, recipes).unwrap();
    bench.images_with(Settings {
        interpreters: [python()].into(),
        recipe_files: vec![file],
        builder: Some(builder(bench, variables)),
        ..Settings::default()
    })
}

fn plain(bench: &Bench, recipes: &str, reference: &str) -> Root {
    images(bench, recipes, &[]).workload(reference, None).unwrap()
}

#[test]
fn files_users_and_services_are_laid_upon_the_host() {
    let bench = Bench::new();
    fs_err::write(bench.path().join("beside.txt"), "beside").unwrap();
    let recipe = r##"
["registry.example/team/demo"]
summary = "a demo"
entrypoint = ["/bin/demo"]
cmd = ["--serve"]
user = "demo"
work_dir = "/data"
env = { DEMO = "@TAG@" }
users = [{ name = "demo", uid = 999, home = "/data", shell = "/bin/sh" }]
pebble_layer.name = "demo"
pebble_layer.services.demo = { override = "replace", command = "/bin/demo", startup = "enabled" }

["registry.example/team/demo".files]
"/bin/demo" = "#!/bin/sh\necho demo @TAG@\n"
"/etc/beside" = { source = "beside.txt", mode = "0640", owner = "demo" }
"/etc/link" = { link = "/etc/beside" }
"/var/spool/demo" = { folder = true, owner = "999" }
"##;
    let root = plain(&bench, recipe, "registry.example/team/demo:2.1");
    assert_eq!(
        root.warnings,
        [
            "the image registry.example/team/demo:2.1 is stood in for by the recipe `registry.example/team/demo`: a demo"
        ]
    );
    assert_eq!(root.config.env["DEMO"], "2.1");
    assert!(root.config.env.contains_key("PATH"));
    assert_eq!(
        (root.config.entrypoint.as_slice(), root.config.cmd.as_slice()),
        (["/bin/demo".to_owned()].as_slice(), ["--serve".to_owned()].as_slice())
    );
    assert_eq!((root.config.user.as_deref(), root.config.work_dir.as_str()), (Some("demo"), "/data"));
    assert_eq!(
        run_in(&bench, &root, "/bin/demo; cat /etc/link; ls -d /data /var/spool/demo"),
        "demo 2.1\nbeside/data\n/var/spool/demo\n"
    );
    assert_eq!(run_in(&bench, &root, "grep ^demo: /etc/passwd"), "demo:x:999:999:demo:/data:/bin/sh\n");
    if is_root() {
        assert_eq!(run_in(&bench, &root, "stat -c '%U %a' /etc/beside"), "demo 640\n");
    }
    let layer = run_in(&bench, &root, "cat /var/lib/pebble/default/layers/001-demo.yaml");
    let layer: serde_json::Value = serde_json::from_str(&layer).unwrap();
    assert_eq!(layer["services"]["demo"]["command"], "/bin/demo");
}

#[test]
fn a_recipe_of_a_user_needs_no_network_and_counts_before_the_registry() {
    let bench = Bench::new();
    let recipes = "[redis]\nfiles = { '/mine' = '' }";
    let first = plain(&bench, recipes, "docker.io/library/redis:7");
    assert!(first.layers[0].join("mine").exists());
    // It is made once, and made anew when it says something else.
    assert_eq!(plain(&bench, recipes, "docker.io/library/redis:7").layers, first.layers);
    assert_ne!(plain(&bench, "[redis]\nfiles = { '/mine' = 'x' }", "redis:7").layers, first.layers);
    // A charm's recipes count before the user's.
    let charm = bench.path().join("charmproof-images.toml");
    fs_err::write(&charm, "[redis]\nfiles = { '/charm' = '' }").unwrap();
    let images = images(&bench, recipes, &[]).with_recipes(&charm).unwrap();
    assert!(images.workload("redis", None).unwrap().layers[0].join("charm").exists());
    assert!(images.workload("recipe:redis", None).unwrap().layers[0].join("charm").exists());
    let error = images.workload("recipe:nothing", None).unwrap_err().to_string();
    assert!(error.contains("there is no recipe `nothing`, only `redis`"), "{error}");
}

#[test]
fn a_recipe_may_lie_upon_an_image() {
    let bench = Bench::new();
    let image = Image::of(vec![archive(&[
        Entry::link("bin", "usr/bin"),
        Entry::folder("usr/bin"),
        Entry::file("etc/passwd", "root:x:0:0::/:/bin/sh\n"),
    ])]);
    let layout = bench.layout("layout", &[("1", &image)]);
    let recipes = format!(
        "[demo]\nbase = 'oci:{layout}'\nusers = [{{ name = 'me', uid = 7 }}]\nfiles = {{ '/bin/tool' = 'x' }}"
    );
    let root = plain(&bench, &recipes, "demo");
    assert_eq!(root.layers.len(), 2);
    assert_eq!(fs_err::read_to_string(root.layers[0].join("usr/bin/tool")).unwrap(), "x");
    assert_eq!(fs_err::read_to_string(root.layers[0].join("etc/passwd")).unwrap().lines().count(), 2);

    let check = |recipes: &str, expected: &str| {
        let error = chain(&images(&bench, recipes, &[]).workload("demo", None).unwrap_err());
        assert!(error.contains(expected), "{error}");
    };
    check(&format!("[demo]\nbase = 'oci:{layout}'\napt = ['x']"), "`base` has to be `host`");
    check("[demo]\nbase = 'demo'", "recipes lie upon each other without end");
    check("[demo]\nfiles = { '/x' = { source = '../../etc/passwd' } }", "is wrong");
    check("[demo]\nfiles = { '/x' = { source = 'link' } }", "is wrong");
    check("[demo]\nfiles = { '/x' = { text = '', owner = 'nobody-known' } }", "neither a number nor one of");
    check(
        "[demo]\npython = ['x']\npython_versions = ['3.99']",
        "it needs Python 3.99, and this host has Python",
    );
}

/// Makes a wheel with a module and a program.
fn wheel(folder: &Utf8Path) {
    fs_err::create_dir_all(folder).unwrap();
    let mut zip =
        zip::ZipWriter::new(fs_err::File::create(folder.join("greeter-1.0-py3-none-any.whl")).unwrap());
    let info = "greeter-1.0.dist-info";
    let files = [
        ("greeter.py".to_owned(), "def main():\n    print('hello')\n"),
        (format!("{info}/METADATA"), "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n"),
        (format!("{info}/WHEEL"), "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        (format!("{info}/entry_points.txt"), "[console_scripts]\ngreet = greeter:main\n"),
    ];
    let mut record = String::new();
    for (name, text) in &files {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
        record += &format!("{name},,\n");
    }
    zip.start_file(format!("{info}/RECORD"), zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(record.as_bytes()).unwrap();
    zip.finish().unwrap();
}

#[test]
fn python_packages_are_installed_and_their_programs_found() {
    let bench = Bench::new();
    let wheels = bench.path().join("wheels");
    wheel(&wheels);
    let variables = [("UV_FIND_LINKS", wheels.as_str()), ("UV_OFFLINE", "1")];
    let (major, minor) = python().0;
    let recipe = format!("[demo]\npython = ['greeter==1.0']\npython_versions = ['{major}.{minor}']");
    let images = images(&bench, &recipe, &variables);
    let root = images.workload("demo", None).unwrap();
    assert_eq!(
        run_in(&bench, &root, "greet && /usr/local/bin/greet && python3 -c 'import greeter'"),
        "hello\nhello\n"
    );
    assert_eq!(
        run_in(&bench, &root, "touch /opt/charmproof/venv/x 2>/dev/null || echo read-only"),
        "read-only\n"
    );
    assert_eq!(images.workload("demo", None).unwrap(), root);

    let missing = format!("[demo]\npython = ['missing']\npython_versions = ['{major}.{minor}']");
    let error = chain(&self::images(&bench, &missing, &variables).workload("demo", None).unwrap_err());
    assert!(error.contains("installing Python packages failed: it ended with status 1"), "{error}");
    assert!(error.contains("missing"), "{error}");
}

/// Makes an archive of packages with one in it, and returns what tells apt to use nothing else.
fn archive_of_packages(bench: &Bench) -> Utf8PathBuf {
    let repository = bench.path().join("repository");
    let tree = bench.path().join("package");
    fs_err::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs_err::create_dir_all(tree.join("bin")).unwrap();
    fs_err::create_dir_all(&repository).unwrap();
    let control =
        "Package: charmproof-greeter\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@b>\nDescription: x\n";
    fs_err::write(tree.join("DEBIAN/control"), control).unwrap();
    fs_err::write(tree.join("bin/charmproof-greeter"), "#!/bin/sh\necho packaged\n").unwrap();
    let script = "chmod 755 package/bin/*; dpkg-deb --root-owner-group -b package repository/greeter.deb && cd repository && \
         { cat ../package/DEBIAN/control; echo Filename: ./greeter.deb; echo Size: $(stat -c %s greeter.deb); \
         echo SHA256: $(sha256sum greeter.deb | cut -d' ' -f1); } > Packages";
    let made = Command::new("sh").args(["-c", script]).current_dir(bench.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let sources = repository.join("sources.list");
    fs_err::write(&sources, format!("deb [trusted=yes] file:{repository} ./\n")).unwrap();
    let config = repository.join("apt.conf");
    fs_err::write(&config, format!("Dir::Etc::sourcelist \"{sources}\";\nDir::Etc::sourceparts \"-\";\n"))
        .unwrap();
    config
}

#[test]
fn packages_of_the_host_are_unpacked() {
    let bench = Bench::new();
    let config = archive_of_packages(&bench);
    let variables = [("APT_CONFIG", config.as_str()), ("REPOSITORY", config.parent().unwrap().as_str())];
    let before = fs_err::read("/var/lib/dpkg/status").unwrap();
    let root =
        images(&bench, "[demo]\napt = ['charmproof-greeter']", &variables).workload("demo", None).unwrap();
    // The package has it in `/bin`, which is a link.
    assert_eq!(run_in(&bench, &root, "charmproof-greeter; readlink /bin"), "packaged\nusr/bin\n");
    assert_eq!(fs_err::read("/var/lib/dpkg/status").unwrap(), before);

    let images = images(&bench, "[demo]\napt = ['charmproof-missing']", &variables);
    let error = chain(&images.workload("demo", None).unwrap_err());
    assert!(error.contains("Unable to locate package charmproof-missing"), "{error}");
}

#[test]
fn every_recipe_that_charmproof_brings_can_be_asked_for() {
    let bench = Bench::new();
    let images = bench.images_with(Settings { standing: Standing::Always, ..Settings::default() });
    for image in
        ["redis", "kennethreitz/httpbin", "benhoyt/snappass-test", "ghcr.io/canonical/api_demo_server"]
    {
        // Without a builder none is followed, and that is what the error says.
        let error = chain(&images.workload(image, None).unwrap_err());
        assert!(error.contains("could not be followed"), "{error}");
    }
}
