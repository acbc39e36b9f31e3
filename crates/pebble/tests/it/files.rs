//! Files: written, read, listed, made, removed, and never outside the root.

use serde_json::json;

use crate::client::Pebble;

#[test]
fn files_are_written_and_read() {
    let pebble = Pebble::simulated();
    let content: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
    let item = json!({"path": "/etc/app/a \"b\".conf", "make-dirs": true, "permissions": "640", "user": "web", "group": "www"});
    assert_eq!(Pebble::file_error(&pebble.push(&item, &content)), "");
    assert_eq!(fs_err::read(pebble.root().join("etc/app/a \"b\".conf")).unwrap(), content);
    let pulled = pebble.get("/v1/files?action=read&path=/etc/app/a%20%22b%22.conf");
    assert!(pulled.body.windows(content.len()).any(|window| window == content));
    let listed = pebble.get("/v1/files?action=list&path=/etc/app&pattern=a*.conf").result();
    let file = &listed[0];
    assert_eq!(
        (&file["type"], &file["size"], &file["permissions"], &file["user"], &file["group"]),
        (&json!("file"), &json!(200_000), &json!("640"), &json!("web"), &json!("www"))
    );
    let folder = pebble.get("/v1/files?action=list&path=/etc/app&itself=true").result();
    assert_eq!(
        (&folder[0]["name"], &folder[0]["type"], &folder[0]["user"]),
        (&json!("app"), &json!("directory"), &json!("web"))
    );
    let root = pebble.get("/v1/files?action=list&path=/&itself=true").result();
    assert_eq!((&root[0]["path"], &root[0]["name"]), (&json!("/"), &json!("/")));
}

#[test]
fn what_cannot_be_done_is_said_in_the_words_of_go() {
    let pebble = Pebble::simulated();
    pebble.push(&json!({"path": "/file"}), b"x");
    let push = |path: &str| Pebble::file_error(&pebble.push(&json!({"path": path}), b"x"));
    assert!(push("/none/a").ends_with("~: no such file or directory"));
    assert!(push("/none/a").starts_with("not-found: open /none/a."));
    assert!(push("/file/a").starts_with("generic-file-error: open /file/a."));
    assert_eq!(push("a"), "generic-file-error: paths must be absolute, got \"a\"");
    let with = |item: serde_json::Value| Pebble::file_error(&pebble.push(&item, b"x"));
    assert_eq!(
        with(json!({"path": "/b", "permissions": "1000"})),
        "generic-file-error: permissions must be a 3-digit octal string, got \"1000\""
    );
    assert_eq!(
        with(json!({"path": "/b", "group": "web"})),
        "generic-file-error: cannot look up user and group: must specify user, not just group"
    );
    let make = |item: serde_json::Value| {
        Pebble::file_error(&pebble.post("/v1/files", &json!({"action": "make-dirs", "dirs": [item]})))
    };
    assert_eq!(make(json!({"path": "/d"})), "");
    assert_eq!(make(json!({"path": "/d"})), "generic-file-error: mkdir /d: file exists");
    assert_eq!(make(json!({"path": "/d", "make-parents": true})), "");
    assert_eq!(make(json!({"path": "/e/f"})), "not-found: mkdir /e/f: no such file or directory");
    assert_eq!(make(json!({"path": "/file/f"})), "generic-file-error: mkdir /file/f: not a directory");
    assert_eq!(
        make(json!({"path": "/file/f/g", "make-parents": true})),
        "generic-file-error: mkdir /file: not a directory"
    );
    assert_eq!(make(json!({"path": "/d/e/f/", "make-parents": true, "permissions": "700"})), "");
    let remove = |item: serde_json::Value| {
        Pebble::file_error(&pebble.post("/v1/files", &json!({"action": "remove", "paths": [item]})))
    };
    assert_eq!(remove(json!({"path": "/d"})), "generic-file-error: remove /d: directory not empty");
    assert_eq!(remove(json!({"path": "/d", "recursive": true})), "");
    assert_eq!(remove(json!({"path": "/d"})), "not-found: remove /d: no such file or directory");
    assert_eq!(remove(json!({"path": "/d/x/y", "recursive": true})), "");
    assert_eq!(
        pebble.get("/v1/files?action=list&path=/not/existing/").message(),
        "404 stat /not/existing/: no such file or directory"
    );
    assert_eq!(pebble.get("/v1/files?action=list&path=/&pattern=[").message(), "400 syntax error in pattern");
    let pulled = pebble.get("/v1/files?action=read&path=/none&path=/&path=file");
    let text = String::from_utf8(pulled.body).unwrap();
    for expected in [
        "stat /none: no such file or directory",
        "can only read a regular file: \\\"/\\\"",
        "paths must be absolute, got \\\"file\\\"",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn no_request_leads_out_of_the_root() {
    let pebble = Pebble::simulated();
    let outside = pebble.folder.path().join("outside");
    fs_err::create_dir(&outside).unwrap();
    fs_err::write(outside.join("kept"), "kept").unwrap();
    let root = pebble.root();
    std::os::unix::fs::symlink(&outside, root.join("away")).unwrap();
    std::os::unix::fs::symlink("../outside", root.join("up")).unwrap();
    std::os::unix::fs::symlink("../outside/kept", root.join("link")).unwrap();
    for path in ["/../outside/new", "/up/new", "/away/new", "/x/../../outside/new"] {
        pebble.push(&json!({"path": path}), b"escaped");
        assert!(!outside.join("new").exists(), "{path}");
    }
    for path in ["/../outside/kept", "/up/kept", "/away/kept", "/link"] {
        let pulled = pebble.get(&format!("/v1/files?action=read&path={path}"));
        assert!(!String::from_utf8_lossy(&pulled.body).contains("name=\"files\""), "{path}");
        pebble.post("/v1/files", &json!({"action": "remove", "paths": [{"path": path, "recursive": true}]}));
    }
    // Links inside are removed, and what they lead to is not.
    for path in ["/up", "/away"] {
        pebble.post("/v1/files", &json!({"action": "remove", "paths": [{"path": path, "recursive": true}]}));
        assert!(!root.join(&path[1..]).is_symlink());
    }
    for path in ["/..", "/", "/.", "/../"] {
        pebble.post("/v1/files", &json!({"action": "remove", "paths": [{"path": path, "recursive": true}]}));
    }
    assert_eq!(fs_err::read_to_string(outside.join("kept")).unwrap(), "kept");
    assert!(root.is_dir());
    // A new file takes the place of a link, and does not follow it.
    std::os::unix::fs::symlink(outside.join("kept"), root.join("link")).unwrap();
    pebble.push(&json!({"path": "/link"}), b"new");
    assert_eq!(fs_err::read_to_string(root.join("link")).unwrap(), "new");
    assert_eq!(fs_err::read_to_string(outside.join("kept")).unwrap(), "kept");
}
