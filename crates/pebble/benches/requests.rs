//! What a server costs: its start, a request that says little, the plan, and a hook's usual handful.

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use camino::Utf8PathBuf;
use charmproof_pebble::{Options, Server};
use criterion::{Criterion, criterion_group, criterion_main};

fn ask(server: &Server, request: &str) -> usize {
    let mut stream = UnixStream::connect(server.socket()).expect("the server listens");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers");
    answer.len()
}

fn get(server: &Server, path: &str) -> usize {
    ask(server, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

fn post(server: &Server, path: &str, body: &str) -> usize {
    let length = body.len();
    ask(
        server,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ),
    )
}

fn requests(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a place for files");
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("its path is text");
    let options = Options::new(root.join("socket"), &root);
    criterion.bench_function("start and end of a server", |bencher| {
        bencher.iter(|| Server::start(black_box(options.clone())).expect("the server starts"));
    });
    let server = Server::start(options).expect("the server starts");
    criterion.bench_function("system-info", |bencher| bencher.iter(|| get(&server, "/v1/system-info")));
    let layer = r#"{"action":"add","combine":true,"label":"web","format":"yaml","layer":"services:\n  web:\n    override: replace\n    command: web --port 80\n    startup: enabled\n    environment: {A: b, C: d}\nchecks:\n  up:\n    override: replace\n    http: {url: 'http://localhost:80/'}\n"}"#;
    post(&server, "/v1/layers", layer);
    criterion.bench_function("plan", |bencher| bencher.iter(|| get(&server, "/v1/plan?format=yaml")));
    criterion.bench_function("layer, plan, replan, wait", |bencher| {
        bencher.iter(|| {
            post(&server, "/v1/layers", layer);
            get(&server, "/v1/plan?format=yaml");
            post(&server, "/v1/services", r#"{"action":"replan"}"#);
            get(&server, "/v1/changes/1/wait?timeout=4s");
        });
    });
}

criterion_group!(benches, requests);
criterion_main!(benches);
