mod report_support;
#[test]
fn time() {
    let mut fleet = report_support::fleet(600);
    for worst in [false, true] {
        if worst {
            let first = fleet.comparison.pairs[0].clone();
            for pair in &mut fleet.comparison.pairs {
                pair.verdict = first.verdict;
                pair.candidate = first.candidate;
                pair.cases = first.cases.clone();
            }
        }
        let t = std::time::Instant::now();
        let c = fleet.show(charmproof_store::report::html_context);
        println!("context {:?}", t.elapsed());
        drop(c);
        let t = std::time::Instant::now();
        let html = fleet.show(charmproof_store::report::html);
        println!("render {:?} {} bytes", t.elapsed(), html.len());
    }
    let log = "tests/unit/test_charm.py::test_1 PASSED <1%> in 1.2s\n".repeat(1000);
    let t = std::time::Instant::now();
    for line in log.lines() {
        charmproof_store::report::normalise(line);
    }
    println!("normalise 1000 {:?}", t.elapsed());
    let other = log.replace("1%", "2%");
    let t = std::time::Instant::now();
    charmproof_store::report::diff_of_logs(&log, &other, 300);
    println!("diff all differ {:?}", t.elapsed());
}
