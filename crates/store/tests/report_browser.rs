//! The HTML report in a real browser: that it sorts, filters and unfolds by what
//! its address says, that nothing in it is refused or runs by accident, and that
//! it asks the network for nothing.
//!
//! Chromium is found as `chromium` or `chromium-browser`, or where the variable
//! `CHARMPROOF_CHROMIUM` says. `make setup` installs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod report_support;

use std::path::Path;
use std::process::{Command, Output};

use charmproof_store::report;
use report_support::{Sample, fleet, hostile, sample};

/// A browser and the folder that it may write to.
struct Browser {
    program: String,
    folder: tempfile::TempDir,
}

/// What a page became.
struct Visit {
    dom: String,
    log: String,
    network: String,
}

impl Browser {
    fn new() -> Self {
        let chosen = std::env::var("CHARMPROOF_CHROMIUM").ok().filter(|name| !name.is_empty());
        let names =
            chosen.map_or_else(|| vec!["chromium".into(), "chromium-browser".into()], |name| vec![name]);
        let works = |name: &String| {
            Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
        };
        let program = names.into_iter().find(works);
        Self {
            program: program
                .expect("chromium is not here: run `make setup`, or set CHARMPROOF_CHROMIUM to it"),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes the report of a run and opens it at `hash`.
    fn visit(&self, run: &Sample, hash: &str) -> Visit {
        let page = self.folder.path().join("report.html");
        fs_err::write(&page, run.show(report::html)).unwrap();
        self.open(&page, hash)
    }

    fn open(&self, page: &Path, hash: &str) -> Visit {
        let profile = tempfile::tempdir_in(self.folder.path()).unwrap();
        let network = profile.path().join("network.json");
        let output = Command::new(&self.program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args([
                "--disable-extensions",
                "--enable-logging=stderr",
                "--virtual-time-budget=4000",
                "--dump-dom",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--log-net-log={}", network.display()))
            .arg(format!("file://{}{hash}", page.display()))
            .output()
            .unwrap();
        Visit::new(&output, &fs_err::read_to_string(&network).unwrap())
    }
}

impl Visit {
    fn new(output: &Output, network: &str) -> Self {
        let dom = String::from_utf8_lossy(&output.stdout).into_owned();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(dom.contains("</html>"), "chromium gave no page: {log}");
        Self { dom, log, network: network.to_owned() }
    }

    /// The charms of the rows that can be seen, in order.
    fn charms(&self) -> Vec<&str> {
        let rows = self.dom.split("<tbody class=\"pair").skip(1);
        rows.filter_map(|row| {
            let (tag, _) = row.split_once('>')?;
            let (_, charm) = tag.split_once("data-charm=\"")?;
            let hidden = tag.contains("hidden=\"\"");
            (!hidden).then(|| charm.split('"').next().unwrap_or_default())
        })
        .collect()
    }

    /// Fails if the page reported an error, or was refused something.
    fn assert_quiet(&self) {
        let said: Vec<&str> = self.log.lines().filter(|line| line.contains(":CONSOLE")).collect();
        assert!(said.is_empty(), "{said:#?}");
        assert!(!self.log.contains("Content Security Policy"), "{}", self.log);
    }

    /// Fails if the page asked for anything but itself.
    fn assert_no_requests(&self, allowed: &str) {
        let addresses = self.network.split("\"url\":\"").skip(1);
        let asked: Vec<&str> = addresses
            .filter_map(|rest| rest.split('"').next())
            .filter(|url| !url.starts_with(allowed) && !url.starts_with("data:"))
            // The browser's own pages and services are not the report's doing.
            .filter(|url| !url.starts_with("chrome") && !is_own_service(url))
            .collect();
        assert!(asked.is_empty(), "{asked:#?}");
    }
}

/// Whether an address belongs to Chromium itself, which calls home when it starts.
fn is_own_service(url: &str) -> bool {
    let host = url.split("//").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    ["google.com", "googleapis.com", "gvt1.com", "gstatic.com"].iter().any(|own| host.ends_with(own))
}

#[test]
fn report_browser_filters_by_the_address() {
    let browser = Browser::new();
    let run = sample();
    let visit = browser.visit(&run, "#filter=KFP&target=unit");
    assert_eq!(visit.charms(), ["canonical/kfp-operators/charms/kfp-ui"]);
    assert!(visit.dom.contains("1 of 17 shown"));

    let visit = browser.visit(&run, "#verdict=slower,fixed&team=identity");
    assert_eq!(visit.charms(), ["canonical/vault-k8s-operator"]);

    let visit = browser.visit(&run, "#group=kubeflow");
    assert_eq!(visit.charms().len(), 2);

    let visit = browser.visit(&run, "#filter=nothing+like+it");
    assert!(visit.charms().is_empty());
    assert!(visit.dom.contains("<p class=\"nothing\" id=\"nothing\">"));
    visit.assert_quiet();
}

#[test]
fn report_browser_sorts_by_the_address() {
    let browser = Browser::new();
    let run = sample();
    let visit = browser.visit(&run, "#sort=-time");
    assert_eq!(visit.charms()[..2], ["canonical/postgresql-k8s-operator", "canonical/loki-k8s-operator"]);
    assert!(visit.dom.contains("aria-sort=\"descending\""));

    let visit = browser.visit(&run, "#sort=charm");
    let mut sorted = visit.charms();
    sorted.sort_unstable();
    assert_eq!(visit.charms(), sorted);
    assert_eq!(sorted.len(), run.comparison.pairs.len());

    // Gravest first, without being asked.
    let visit = browser.visit(&run, "");
    assert_eq!(visit.charms()[0], "canonical/discourse-k8s-operator");
    visit.assert_quiet();
}

#[test]
fn report_browser_unfolds_what_a_link_names() {
    let browser = Browser::new();
    let visit = browser.visit(&sample(), "#pair-2");
    assert_eq!(visit.dom.matches("<tbody class=\"pair open\"").count(), 1);
    let (_, page) = visit.dom.split_once("<main").unwrap();
    assert_eq!(page.matches("aria-expanded=\"true\"").count(), 1);
    visit.assert_quiet();
}

#[test]
fn report_browser_asks_for_nothing_and_runs_nothing_foreign() {
    let browser = Browser::new();
    let visit = browser.visit(&hostile(), "");
    visit.assert_quiet();
    visit.assert_no_requests("file://");
    // What the text would have become, had it not been escaped.
    assert!(!visit.dom.contains("<img"));
    assert!(!visit.dom.contains("<svg onload"));
    assert_eq!(visit.dom.matches("<script").count(), 1);
    assert_eq!(visit.charms().len(), hostile().comparison.pairs.len());
}

/// The test above looks for errors and requests in the right places.
#[test]
fn report_browser_notices_errors_and_requests() {
    let browser = Browser::new();
    let page = browser.folder.path().join("bad.html");
    let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'unsafe-inline'; img-src 'none'\">";
    let body =
        "<img src=\"http://192.0.2.1/a.png\"><link rel=\"stylesheet\" href=\"http://127.0.0.1:9/b.css\">";
    fs_err::write(&page, format!("<html>{policy}{body}<script>throw 1</script></html>")).unwrap();
    let visit = browser.open(&page, "");
    let caught = |check: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err();
    assert!(caught(&|| visit.assert_quiet()));
    assert!(caught(&|| visit.assert_no_requests("file://")));
}

#[test]
fn report_browser_copes_with_a_large_fleet() {
    let browser = Browser::new();
    let visit = browser.visit(&fleet(600), "#filter=0599&sort=-time");
    assert_eq!(visit.charms(), ["canonical/some-fairly-long-operator-name-0599/charms/worker"]);
    visit.assert_quiet();
}
