//! That reports stay within their limits and let no text out of its place.

mod report_support;

use std::time::Instant;

use charmproof_store::event::Ending;
use charmproof_store::report::{self, GITHUB_COMMENT_LIMIT, SMALLEST_LIMIT};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use quick_xml::events::Event as XmlEvent;
use report_support::{Sample, fleet, hostile, sample};

/// What GitHub would make of a comment: raw HTML that is not ours, links, images
/// and headings beyond the first are all signs of text that got out.
fn escaped(markdown: &str) -> Vec<String> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_GFM | Options::ENABLE_STRIKETHROUGH;
    let ours = ["<details>", "</details>", "<summary>", "</summary>", "<code>", "</code>", "<sub>", "</sub>"];
    let mut out = Vec::new();
    let mut headings = 0;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                // A summary is one line of HTML to Markdown, with text in it.
                let mut rest = html.to_string();
                for tag in ours {
                    rest = rest.replace(tag, "");
                }
                if rest.contains(['<', '>', '@']) {
                    out.push(html.to_string());
                }
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                out.push(dest_url.to_string());
            }
            Event::Start(Tag::Heading { .. }) => headings += 1,
            _ => {}
        }
    }
    if headings != 1 {
        out.push(format!("{headings} headings"));
    }
    out
}

/// Rows of tables, by how many cells they have.
fn table_widths(markdown: &str) -> Vec<usize> {
    let lines = markdown.lines().filter(|line| line.starts_with("| "));
    lines.map(|line| line.matches(" | ").count() + 1).collect()
}

#[test]
fn report_markdown_lets_nothing_out() {
    let markdown = hostile().show(report::markdown);
    assert_eq!(escaped(&markdown), Vec::<String>::new());
    assert_eq!(table_widths(&markdown), table_widths(&sample().show(report::markdown)));
    // Mentions outside of code would notify people.
    let text = Parser::new_ext(&markdown, Options::ENABLE_TABLES | Options::ENABLE_GFM);
    let mut in_code = false;
    for event in text {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_code = false,
            Event::InlineHtml(html) if html.starts_with("<code>") => in_code = true,
            Event::InlineHtml(html) if html.starts_with("</code>") => in_code = false,
            Event::Text(text) if !in_code => assert!(!text.contains("@canonical"), "{text}"),
            _ => {}
        }
    }
}

#[test]
fn report_markdown_of_a_large_fleet_fits_and_says_what_it_left_out() {
    let markdown = fleet(600).show(report::markdown);
    assert!(markdown.len() <= GITHUB_COMMENT_LIMIT);
    assert!(markdown.len() > GITHUB_COMMENT_LIMIT / 2, "room is left unused: {}", markdown.len());
    assert!(markdown.starts_with("### ❌ 7 regression causes, 200 charms: `ops 3.7.1 → 3.8.0`\n"));
    assert!(markdown.contains("Left out to stay within the limit for comments: "));
    assert_eq!(escaped(&markdown), Vec::<String>::new());
}

/// Puts `text` everywhere a stranger can.
fn flood(sample: &mut Sample, text: &str, times: usize) {
    let long = text.repeat(times);
    sample.started.run.0.push_str(&long);
    sample.started.charmproof.push_str(&long);
    sample.started.command.push(long.clone());
    sample.warnings.push(long.clone());
    sample.plan.missing.insert(long.clone(), long.clone());
    for swap in &mut sample.plan.candidate {
        swap.version.push_str(&long);
        swap.package.push_str(&long);
        swap.source.push_str(&long);
    }
    for pair in &mut sample.comparison.pairs {
        pair.target.push_str(&long);
        pair.summary.push_str(&long);
        for case in &mut pair.cases {
            case.case.push_str(&long);
        }
    }
    for cause in &mut sample.comparison.causes {
        cause.title.push_str(&long);
        cause.smallest.2.push_str(&long);
        cause.failure.excerpt.push_str(&long);
    }
    for result in &mut sample.results {
        result.unit.target.push_str(&long);
        result.reproduce.push_str(&long);
    }
    sample.outputs.values_mut().for_each(|log| log.push_str(&long));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// No text and no limit makes a comment longer than GitHub takes, in any way
    /// of counting, or lets text out of its place.
    #[test]
    fn report_markdown_never_exceeds_its_limit(
        text in r#"[a-z`|\\<>&@#*_\n \[\]()!~"'é日😀-]{1,40}|\PC{1,30}"#,
        times in prop_oneof![1_usize..4, 100_usize..3_000],
        charms in 0_usize..40,
        limit in 0_usize..80_000,
    ) {
        let mut sample = fleet(charms);
        flood(&mut sample, &text, times);
        let markdown = sample.show(|report| report::markdown_within(report, limit));
        prop_assert!(markdown.len() <= limit.max(SMALLEST_LIMIT), "{} of {limit}", markdown.len());
        prop_assert_eq!(escaped(&markdown), Vec::<String>::new());
        prop_assert!(sample.show(report::markdown).encode_utf16().count() <= GITHUB_COMMENT_LIMIT);
    }
}

#[test]
fn report_html_of_a_large_fleet_stays_small_and_quick() {
    for share in [3, 1] {
        let mut fleet = fleet(600);
        if share == 1 {
            // The worst: every charm is as broken as the first.
            let first = fleet.comparison.pairs[0].clone();
            for pair in &mut fleet.comparison.pairs {
                pair.verdict = first.verdict;
                pair.candidate = first.candidate;
                pair.cases = first.cases.clone();
                pair.summary = first.summary.clone();
            }
        }
        let started = Instant::now();
        let html = fleet.show(report::html);
        let took = started.elapsed();
        assert!(html.len() < 10_000_000, "{} bytes", html.len());
        // Generous: this is an unoptimised build on a busy machine.
        assert!(took.as_secs() < 60, "{took:?}");
        assert_eq!(html.matches("<tbody class=\"pair\"").count(), 600);
    }
}

#[test]
fn report_html_escapes_everything() {
    let html = hostile().show(report::html);
    assert_eq!(html.matches("<script>").count(), 1);
    assert_eq!(html.matches("</script>").count(), 1);
    assert_eq!(html.matches("</style>").count(), 1);
    assert!(!html.contains("<img"));
    assert!(!html.contains("<svg onload"));
    assert!(!html.contains("href=\"javascript:"));
    assert!(html.contains("{{ 7*7 }}"), "a template ran inside of a text");
    assert!(!html.contains(['\u{0}', '\u{1b}', '\u{202e}']));
}

/// Figures and causes are there for whoever has no script.
#[test]
fn report_html_reads_without_its_script() {
    let html = sample().show(report::html);
    let (body, _) = html.split_once("<script>").unwrap();
    for wanted in [
        "<h1>1 regression cause, 2 charms, 1 more charm lost cases so far (interrupted)</h1>",
        "AttributeError: &#x27;frozenset&#x27; object has no attribute &#x27;append&#x27;",
        "charmproof check canonical&#x2f;discourse-k8s-operator --target unit --only candidate",
        "<b>2</b> regressed",
        "<td class=\"figure\">1 min 49 s</td>",
    ] {
        assert!(body.contains(wanted), "{wanted}");
    }
    // Nothing is hidden by the markup itself but what only a script can serve.
    assert_eq!(body.matches("<tbody class=\"pair\" ").count(), 17);
    assert!(!body.contains("style=\""), "the policy forbids inline styles");
    assert!(!body.contains("onclick"));
}

#[test]
fn report_junit_fails_for_regressions_only() {
    for sample in [sample(), hostile()] {
        let xml = sample.show(report::junit);
        let mut reader = quick_xml::Reader::from_str(&xml);
        let (mut failures, mut errors, mut suites) = (0, 0, 0);
        loop {
            match reader.read_event().unwrap() {
                XmlEvent::Eof => break,
                XmlEvent::Start(tag) | XmlEvent::Empty(tag) => {
                    let name = tag.name().as_ref().to_owned();
                    failures += usize::from(name == "failure");
                    errors += usize::from(name == "error");
                    suites += usize::from(name == "testsuite");
                    for attribute in tag.attributes() {
                        attribute.unwrap();
                    }
                }
                _ => {}
            }
        }
        // Three pairs are held against the swap, with four cases among them.
        assert_eq!((failures, errors, suites), (7, 0, 17));
        let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        assert!(!xml.contains(forbidden));
    }
}

/// A run that saw nothing never says that all is well.
#[test]
fn report_headline_never_promises_too_much() {
    let headline = |sample: &Sample| {
        let json: serde_json::Value = serde_json::from_str(&sample.show(report::json)).unwrap();
        json["verdict"]["sentence"].as_str().unwrap().to_owned()
    };
    let mut run = sample();
    run.comparison.causes.clear();
    run.ending = Some(Ending::Completed);
    run.comparison.unfinished = 0;
    assert_eq!(headline(&run), "2 charms regressed, 1 more charm lost cases: ops 3.7.1 → 3.8.0");
    run.comparison.pairs.retain(|pair| !pair.signal);
    assert_eq!(headline(&run), "nothing is known: none of 6 charms gave a signal: ops 3.7.1 → 3.8.0");
    run.comparison.pairs.truncate(1);
    assert_eq!(headline(&run), "nothing is known: the charm gave no signal: ops 3.7.1 → 3.8.0");
    run.comparison.pairs.clear();
    assert_eq!(headline(&run), "nothing was checked: ops 3.7.1 → 3.8.0");
    run.plan.candidate.clear();
    run.ending = None;
    assert_eq!(headline(&run), "nothing was checked so far (not finished)");

    let mut clean = fleet(9);
    clean.comparison.causes.clear();
    clean.comparison.pairs.retain(|pair| pair.cases.is_empty());
    assert_eq!(headline(&clean), "no regression in 6 charms: ops 3.7.1 → 3.8.0");
    clean.comparison.pairs[0].signal = false;
    assert_eq!(headline(&clean), "no regression in 5 charms (1 more gave no signal): ops 3.7.1 → 3.8.0");
}
