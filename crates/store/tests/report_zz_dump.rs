mod report_support;
#[test]
fn dump() {
    let d = "/tmp/rep";
    std::fs::create_dir_all(d).unwrap();
    std::fs::write(
        format!("{d}/sample.html"),
        report_support::sample().show(charmproof_store::report::html),
    )
    .unwrap();
    std::fs::write(
        format!("{d}/hostile.html"),
        report_support::hostile().show(charmproof_store::report::html),
    )
    .unwrap();
    let t = std::time::Instant::now();
    let f = report_support::fleet(600);
    println!("build {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let html = f.show(charmproof_store::report::html);
    println!("render {:?} {} bytes", t.elapsed(), html.len());
    std::fs::write(format!("{d}/fleet.html"), html).unwrap();
    std::fs::write(
        format!("{d}/sample.md"),
        report_support::hostile().show(charmproof_store::report::markdown),
    )
    .unwrap();
    std::fs::write(
        format!("{d}/sample.json"),
        report_support::sample().show(charmproof_store::report::json),
    )
    .unwrap();
    std::fs::write(
        format!("{d}/sample.xml"),
        report_support::hostile().show(charmproof_store::report::junit),
    )
    .unwrap();
}
