//! Each rule: what it accepts, and the hook at which it rejects.

use charmproof_lifecycle::rules::{KnownBug, RuleId, judge};

use crate::sequence::parse;

/// Checks where `rule` first says something about `sequence`; `None` if nowhere. A rule
/// that must hold accuses.
fn check(rule: &str, sequence: &str, expected: Option<usize>) {
    let rule = RuleId::parse(rule).expect("a rule");
    says(rule, sequence, expected.map(|position| (position, rule.rule().can_be_broken())));
}

/// Checks where `rule` first warns, though it is one that must hold.
fn warns(rule: &str, sequence: &str, position: usize) {
    says(RuleId::parse(rule).expect("a rule"), sequence, Some((position, false)));
}

fn says(rule: RuleId, sequence: &str, expected: Option<(usize, bool)>) {
    let (settings, events) = parse(sequence);
    let findings = judge(settings, &events);
    let first = findings.iter().find(|finding| finding.rule == rule);
    let said = first.map(|finding| (finding.position, finding.is_breach()));
    assert_eq!(said, expected, "{rule} on {sequence}; all findings: {findings:#?}");
}

#[test]
fn r01_install_is_first_and_once() {
    check("R01", "machine data-storage-attached install", None);
    check("R01", "install! backup-action install leader-elected", None);
    check("R01", "install <agent> install", None);
    check("R01", "config-changed install", Some(0));
    check("R01", "setup install", Some(4));
    check("R01", "mid update-status install", Some(1));
    check("R01", "machine setup stop remove install leader-elected config-changed start", None);
}

#[test]
fn r02_a_failed_install_is_retried() {
    check("R02", "install! install! install", None);
    check("R02", "install! <resolved> leader-elected", None);
    check("R02", "told install! leader-elected", Some(1));
    // No log tells whether somebody resolved it.
    warns("R02", "install! leader-elected", 1);
}

#[test]
fn r03_no_teardown_without_install() {
    check("R03", "machine install remove", None);
    check("R03", "mid remove", None);
    check("R03", "machine data-storage-attached stop", Some(1));
    check("R03", "remove", Some(0));
}

#[test]
fn r10_config_changed_comes_before_start() {
    check("R10", "setup", None);
    check("R10", "install config-changed! <resolved> start", None);
    check("R10", "mid start", None);
    check("R10", "install leader-elected start", Some(2));
    check("R10", "mid install start", Some(1));
}

#[test]
fn r10_peers_come_right_after_install() {
    check("R10", "k8s peers=p install p-relation-created c-pebble-ready config-changed start", None);
    check("R10", "k8s peers=p install c-pebble-ready db-relation-created config-changed start", None);
    check("R10", "k8s peers=p install c-pebble-ready upgrade-charm config-changed p-relation-created", None);
    check("R10", "k8s peers=p install c-pebble-ready p-relation-created config-changed start", Some(2));
    check("R10", "3.1 peers=p install secret-changed p-relation-created config-changed start", Some(2));
}

#[test]
fn r12_known_relations_come_before_leadership() {
    check("R12", "peers=p install p-relation-created leader-elected config-changed start", None);
    check("R12", "peers=p install leader-elected db-relation-created config-changed start", None);
    check("R12", "install leader-elected p-relation-created config-changed start", None);
    check("R12", "peers=p install leader-elected p-relation-created config-changed start", Some(2));
}

#[test]
fn r13_start_follows_the_first_config_changed() {
    check("R13", "setup config-changed update-status", None);
    check("R13", "install config-changed start! backup-action start", None);
    check("R13", "k8s install config-changed <new-pod> upgrade-charm config-changed start", None);
    check("R13", "mid config-changed update-status", None);
    check("R13", "install config-changed db-relation-created start", Some(2));
    check("R13", "install config-changed backup-action start", Some(2));
}

#[test]
fn r14_a_unit_is_quiet_before_start() {
    check("R14", "setup update-status", None);
    check("R14", "mid update-status", None);
    check("R14", "install update-status", Some(1));
    check("R14", "install db-relation-created db-relation-departed", Some(2));
    check("R14", "install config-changed config-changed", Some(2));
    check("R14", "install config-changed! config-changed start", None);
}

#[test]
fn r15_setup_has_one_leadership_hook() {
    check("R15", "3.6 setup", None);
    check("R15", "4.0 install config-changed start", None);
    check("R15", "3.6 install config-changed start", Some(2));
    check("R15", "3.6 install leader-settings-changed leader-elected config-changed start", Some(4));
}

#[test]
fn r20_install_waits_for_storage() {
    let machine = "machine storages=data:1,cache:0";
    check("R20", &format!("{machine} data-storage-attached=data/0 install"), None);
    check("R20", "machine install", None);
    check("R20", "k8s storages=data:1 install", None);
    check("R20", &format!("{machine} mid install"), None);
    warns("R20", &format!("{machine} install"), 0);
    warns("R20", "machine storages=data:2 data-storage-attached install", 1);
}

#[test]
fn r21_kubernetes_attaches_storage_after_install() {
    check("R21", "k8s install data-storage-attached", None);
    check("R21", "machine data-storage-attached install", None);
    check("R21", "k8s data-storage-attached install", Some(0));
    check("R21", "k8s mid data-storage-attached install", Some(1));
}

#[test]
fn r22_kubernetes_attaches_storage_before_start() {
    check("R22", "k8s install leader-elected data-storage-attached config-changed start", None);
    check("R22", "machine setup data-storage-attached", None);
    check("R22", "k8s setup data-storage-attached", Some(4));
}

#[test]
fn r24_storage_is_attached_and_then_detached() {
    check("R24", "machine setup data-storage-attached=data/0 data-storage-attached=data/1", None);
    check("R24", "machine setup data-storage-attached data-storage-detaching", None);
    check("R24", "mid data-storage-detaching=data/0 data-storage-attached=data/0", None);
    check("R24", "machine setup data-storage-attached=data/0 data-storage-attached=data/0", Some(5));
    check("R24", "machine setup data-storage-detaching", Some(4));
    check("R24", "mid data-storage-detaching=data/0 data-storage-detaching=data/0", Some(1));
}

#[test]
fn r25_there_is_no_storage_detached() {
    check("R25", "mid data-storage-detaching", None);
    check("R25", "mid data-storage-detached", Some(0));
    check("R25", "mid update-status data_storage_detached", Some(1));
}

#[test]
fn r26_storage_is_detached_before_stop() {
    check("R26", "machine mid data-storage-detaching stop remove", None);
    check("R26", "k8s mid stop data-storage-detaching remove", None);
    check("R26", "machine mid stop data-storage-detaching remove", Some(1));
}

#[test]
fn r30_a_relation_is_created_first() {
    check("R30", "setup db-relation-created db-relation-joined db-relation-changed", None);
    check("R30", "mid db-relation-changed", None);
    check("R30", "setup db-relation-changed", Some(4));
    check("R30", "setup db-relation-created:1 db-relation-changed:2", Some(5));
    check("R30", "setup <agent> db-relation-changed", None);
}

#[test]
fn r31_changed_follows_joined_in_one_relation() {
    check("R31", "setup db-relation-created:1 db-relation-joined:1@a/0 db-relation-changed:1@a/0", None);
    check("R31", "mid db-relation-joined:1 web-relation-joined:2 db-relation-changed:1", None);
    check("R31", "mid db-relation-joined:1 db-relation-joined:2 db-relation-changed:1", None);
    check("R31", "mid db-relation-joined:1! db-relation-joined:1 db-relation-changed:1", None);
    check("R31", "mid db-relation-joined:1 db-relation-departed:1", Some(1));
    check("R31", "mid db-relation-joined:1@a/0 db-relation-changed:1@a/1", Some(1));
    check("R31", "mid db-relation-joined:1@a/0 db-relation-changed:1@", Some(1));
    // Names only: as many may wait as the endpoint has relations.
    check("R31", "mid db-relation-joined db-relation-joined", None);
    check("R31", "setup db-relation-created db-relation-joined db-relation-joined", Some(6));
    check("R31", "setup db-relation-created db-relation-created db-relation-joined db-relation-joined", None);
}

#[test]
fn r33_a_relation_is_created_once() {
    check("R33", "setup db-relation-created:1 db-relation-created:2", None);
    check("R33", "setup db-relation-created:1 db-relation-broken:1 db-relation-created:1", None);
    check("R33", "setup db-relation-created db-relation-created", None);
    check("R33", "setup db-relation-created:1 <agent> db-relation-created:1", None);
    // The `stop` of a pod takes the place of the failed hook, which comes again (R66).
    check("R33", "k8s setup db-relation-created:1! stop start db-relation-created:1", None);
    check("R33", "setup db-relation-created:1! <resolved> config-changed db-relation-created:1", Some(6));
    check("R33", "setup db-relation-created:1 db-relation-created:1", Some(5));
}

#[test]
fn r34_only_members_change_and_depart() {
    check("R34", "mid db-relation-changed:1@a/0 db-relation-departed:1@a/0", None);
    check("R34", "setup db-relation-created:1 db-relation-changed:1@", None);
    check("R34", "setup db-relation-created:1 db-relation-changed:1@a/0", Some(5));
    check("R34", "mid db-relation-departed:1@a/0 db-relation-changed:1@a/0", Some(1));
    check("R34", "mid db-relation-departed:1@a/0 db-relation-joined:1@a/0 db-relation-changed:1@a/0", None);
    check("R34", "setup db-relation-created db-relation-departed", Some(5));
}

#[test]
fn r35_units_join_after_start() {
    check("R35", "setup db-relation-created db-relation-joined", None);
    check("R35", "mid db-relation-joined", None);
    check("R35", "install db-relation-created db-relation-joined", Some(2));
    check("R35", "install db-relation-created db-relation-changed", Some(2));
}

#[test]
fn r39_units_depart_in_order() {
    let joined = |unit: &str| format!("db-relation-joined:1@{unit} db-relation-changed:1@{unit}");
    let setup = format!(
        "told unit=web/0 endpoints=db,p:peer setup db-relation-created:1 {} {}",
        joined("a/2"),
        joined("a/10")
    );
    let departs = |unit: &str, departing: &str| format!("db-relation-departed:1@{unit}%{departing}");
    check("R39", &format!("{setup} {} {}", departs("a/10", "web/0"), departs("a/2", "web/0")), None);
    // They may have gone one after the other.
    check("R39", &format!("{setup} {}", departs("a/2", "a/2")), None);
    check("R39", &format!("{setup} {}", departs("a/2", "web/0")), Some(9));
    let peers = setup.replace("db-relation", "p-relation").replace("a/", "web/");
    check("R39", &format!("{peers} p-relation-departed:1@web/2%web/0"), None);
}

#[test]
fn r40_relations_break_when_they_are_empty() {
    let joined = "setup db-relation-created:1 db-relation-joined:1@a/0 db-relation-changed:1@a/0";
    check("R40", &format!("{joined} db-relation-departed:1@a/0 db-relation-broken:1"), None);
    check("R40", &format!("{joined} db-relation-broken:1"), Some(7));
    check("R40", "mid db-relation-broken:1", None);
    let joined = "setup db-relation-created db-relation-joined db-relation-changed";
    check("R40", &format!("{joined} db-relation-broken"), Some(7));
    // The unit may be in the other relation.
    check("R40", &format!("{joined} db-relation-created db-relation-broken"), None);
}

#[test]
fn r41_nothing_follows_broken() {
    check("R41", "mid db-relation-broken:1 db-relation-changed:2", None);
    check("R41", "mid db-relation-broken:1 db-relation-created:1 db-relation-changed:1", None);
    check("R41", "mid db-relation-broken:1 db-relation-changed:1", Some(1));
    check("R41", "setup db-relation-created db-relation-broken db-relation-changed", Some(6));
    check(
        "R41",
        "setup db-relation-created db-relation-created db-relation-broken db-relation-changed",
        None,
    );
}

#[test]
fn r43_the_departing_unit_is_one_of_two() {
    check("R43", "mid unit=web/0 db-relation-departed:1@a/0%a/0", None);
    check("R43", "mid unit=web/0 db-relation-departed:1@a/0%web/0", None);
    check("R43", "mid db-relation-departed:1@a/0%a/1", None);
    check("R43", "mid unit=web/0 db-relation-departed:1@a/0%a/1", Some(0));
}

#[test]
fn r45_peers_are_others_and_there_from_setup() {
    check("R45", "mid unit=web/0 p-relation-joined:1@web/1", None);
    check("R45", "mid unit=web/0 p-relation-joined:1@web/0", Some(0));
    check("R45", "peers=p setup p-relation-created", Some(4));
    check("R45", "peers=p setup upgrade-charm config-changed p-relation-created", None);
    check("R45", "peers=p setup update-status! update-status p-relation-created", None);
    check("R45", "peers=p setup db-relation-created", None);
}

#[test]
fn r46_peers_are_not_broken() {
    check("R46", "mid peers=p db-relation-broken", None);
    check("R46", "mid p-relation-broken", None);
    check("R46", "mid peers=p p-relation-broken", Some(0));
}

#[test]
fn r48_created_may_be_missing_after_a_restart() {
    check("R48", "setup <agent> start db-relation-changed", Some(5));
    check("R48", "mid only-endpoint db-relation-changed", Some(0));
    check("R48", "setup db-relation-created db-relation-changed", None);
}

#[test]
fn r49_relations_within_a_machine_have_one_unit() {
    let setup = "endpoints=host:container,db setup host-relation-created:1 db-relation-created:2";
    let host = "host-relation-joined:1@a/0 host-relation-changed:1@a/0";
    check("R49", &format!("{setup} {host} host-relation-departed:1@a/0 host-relation-joined:1@a/1"), None);
    check(
        "R49",
        &format!("{setup} db-relation-joined:2@b/0 db-relation-changed:2@b/0 db-relation-joined:2@b/1"),
        None,
    );
    check("R49", &format!("{setup} {host} host-relation-joined:1@a/1"), Some(8));
    // An endpoint that nobody declared is there, and has no hooks.
    check("R49", "endpoints=juju-info:container mid juju-info-relation-joined", None);
    check("R49", "mid juju-info-relation-joined", None);
    check("R49", "endpoints=db mid juju-info-relation-joined", Some(0));
}

#[test]
fn r51_config_changed_follows_a_refresh() {
    check("R51", "mid upgrade-charm! backup-action upgrade-charm config-changed update-status", None);
    check("R51", "mid machine upgrade-charm data-storage-attached config-changed", None);
    check("R51", "mid k8s upgrade-charm stop", None);
    check("R51", "mid machine upgrade-charm stop", Some(1));
    check("R51", "mid upgrade-charm update-status", Some(1));
    check("R51", "mid upgrade-charm start", Some(1));
}

#[test]
fn r53_a_refresh_waits_for_a_failed_hook() {
    check("R53", "mid update-status! update-status upgrade-charm", None);
    check("R53", "mid update-status! <resolved> upgrade-charm", None);
    check("R53", "told mid config-changed! upgrade-charm", Some(1));
    warns("R53", "mid config-changed! upgrade-charm", 1);
}

#[test]
fn r54_a_leader_is_elected_once() {
    check("R54", "3.6 setup leader-settings-changed leader-elected", None);
    check("R54", "3.6 mid leader-elected <deposed> leader-elected", None);
    check("R54", "4.0 mid leader-elected leader-elected", None);
    check("R54", "3.6 mid leader-elected leader-elected", Some(1));
    // Whoever tells of everything tells that leadership was lost.
    check("R54", "4.0 told mid leader-elected <deposed> leader-elected", None);
    check("R54", "4.0 told mid leader-elected? <agent> leader-elected", None);
    check("R54", "4.0 told mid leader-elected! leader-elected", None);
    check("R54", "3.6 told mid leader-elected <deposed> <agent> leader-settings-changed", None);
    check("R54", "4.0 told mid leader-elected leader-elected", Some(1));
    check("R54", "4.0 told mid leader-elected <agent> leader-elected", Some(1));
    check("R54", "3.6 told mid leader-elected leader-settings-changed", Some(1));
}

#[test]
fn r56_leadership_is_over_for_a_unit_that_goes() {
    check("R56", "machine mid leader-elected stop remove", None);
    check("R56", "k8s mid stop leader-elected", None);
    check("R56", "machine mid stop leader-elected remove", Some(1));
    check("R56", "machine 3.6 mid stop leader-settings-changed remove", Some(1));
    check("R56", "k8s told setup <stopping> stop leader-elected", None);
    check("R56", "k8s told setup stop leader-elected", Some(5));
}

#[test]
fn r56_is_a_warning_for_the_old_bug() {
    let (settings, events) = parse("machine 2.9 mid stop leader-settings-changed remove");
    let findings = judge(settings, &events);
    let said: Vec<_> =
        findings.iter().map(|finding| (finding.rule, finding.is_breach(), finding.bug)).collect();
    assert_eq!(said, [(RuleId::R56, false, Some(KnownBug::SettingsWhenDying))]);
}

#[test]
fn known_bugs_are_named() {
    let check = |sequence: &str, expected: KnownBug| {
        let (settings, events) = parse(sequence);
        let findings = judge(settings, &events);
        let said: Vec<_> = findings.iter().map(|finding| (finding.is_breach(), finding.bug)).collect();
        assert_eq!(said, [(false, Some(expected))], "{sequence}");
    };
    check("mid peers=p p-relation-broken", KnownBug::PeersBroken);
    check("3.6 setup <agent> db-relation-changed", KnownBug::CreatedMissing);
    check(
        "4.0 mid data-storage-detaching=data/0! data-storage-detaching=data/0",
        KnownBug::DetachingCancelled,
    );
}

#[test]
fn r58_update_status_is_for_idle_units() {
    check("R58", "mid stop start update-status", None);
    check("R58", "mid stop update-status", Some(1));
    check("R58", "mid db-relation-joined db-relation-changed update-status", None);
    check("R58", "mid db-relation-joined update-status", Some(1));
    check("R58", "mid db-relation-joined:1 db-relation-changed:2 update-status", Some(2));
}

#[test]
fn r60_a_rebooted_machine_starts() {
    check("R60", "machine setup <reboot> start update-status", None);
    check("R60", "machine setup <reboot> update-status! update-status start", None);
    check("R60", "k8s setup <reboot> update-status config-changed", None);
    // An interrupted hook may be interrupted again.
    check(
        "R60",
        "machine setup config-changed? <reboot> <agent> config-changed? <agent> config-changed start",
        None,
    );
    // A second agent knows nothing of the reboot.
    check("R60", "machine setup <reboot> <agent> update-status? <agent> update-status config-changed", None);
    check("R60", "machine setup <reboot> <agent> <agent> update-status config-changed", None);
    check("R60", "machine 3.6 setup <reboot> pre-series-upgrade post-series-upgrade start", None);
    check("R60", "machine setup <agent> <reboot> update-status config-changed", Some(5));
    check("R60", "machine setup <reboot> <agent> update-status config-changed", Some(5));
    check("R60", "machine setup <reboot> update-status config-changed", Some(5));
    // Without a reboot there is none.
    check("R60", "machine told setup <reboot> <agent> start! start update-status", None);
    check("R60", "machine told mid start start", Some(1));
    check("R60", "machine told setup <agent> start", Some(4));
}

#[test]
fn r61_a_reboot_in_setup_brings_no_start() {
    check("R61", "machine install <reboot> config-changed start", None);
    check("R61", "machine install <reboot> start", Some(1));
}

#[test]
fn r63_a_new_agent_on_kubernetes_starts() {
    check("R63", "k8s setup <agent> start c-pebble-ready", None);
    check("R63", "k8s setup <agent> config-changed start c-pebble-ready", None);
    check("R63", "k8s setup <agent> upgrade-charm config-changed start", None);
    check("R63", "machine setup <agent> config-changed update-status", None);
    check("R63", "k8s setup <agent> config-changed update-status", Some(5));
    check("R63", "k8s told setup <agent> start <agent> start", None);
    check("R63", "k8s told setup <agent> start start", Some(5));
}

#[test]
fn r64_a_new_pod_upgrades_and_starts() {
    check("R64", "k8s setup stop <agent> upgrade-charm config-changed start update-status", None);
    check("R64", "k8s setup upgrade-charm config-changed update-status", None);
    check("R64", "k8s setup stop upgrade-charm config-changed c-pebble-ready", Some(7));
    check("R64", "k8s setup <new-pod> upgrade-charm config-changed update-status", Some(6));
}

#[test]
fn r65_what_was_cut_off_runs_first() {
    check("R65", "machine told setup config-changed? <reboot> <agent> config-changed start", None);
    check("R65", "machine told setup config-changed? <agent> backup-action config-changed", None);
    check("R65", "told setup config-changed? <resolved> update-status", None);
    check("R65", "told mid leader-elected? <agent> update-status", None);
    // An agent that is told to go may stop instead, and Pebble tells again.
    check("R65", "k8s told setup <stopping> config-changed? stop <agent> start", None);
    check("R65", "k8s told setup c-pebble-ready? <agent> start", None);
    check("R65", "setup config-changed? <agent> update-status", None);
    check("R65", "machine told setup config-changed? <reboot> <agent> start", Some(5));
    check("R65", "k8s told setup db-relation-created:1? <agent> db-relation-created:2", Some(5));
}

#[test]
fn r66_an_agent_that_goes_begins_nothing() {
    check("R66", "k8s setup <stopping> config-changed stop <agent> start update-status", None);
    check("R66", "k8s setup <stopping> c-pebble-ready leader-elected stop", None);
    check("R66", "machine setup <stopping> update-status config-changed", None);
    check("R66", "k8s setup <stopping> config-changed update-status", Some(5));
    check("R66", "k8s setup <stopping> stop update-status", Some(5));
    check("R66", "k8s install <stopping> leader-elected config-changed", Some(2));
}

#[test]
fn r67_a_stopped_pod_joins_nothing() {
    check("R67", "k8s mid stop db-relation-created start db-relation-joined", None);
    check("R67", "k8s mid stop db-relation-joined", Some(1));
}

#[test]
fn r69_a_pod_that_is_replaced_is_not_removed() {
    check("R69", "k8s setup stop remove install", None);
    check("R69", "k8s setup stop upgrade-charm config-changed start", None);
    check("R69", "machine setup stop remove start", None);
    check("R69", "k8s setup stop remove upgrade-charm config-changed start", Some(6));
    check("R69", "k8s mid remove <agent> start", Some(1));
}

#[test]
fn r70_stop_comes_before_remove() {
    check("R70", "machine setup stop remove", None);
    check("R70", "machine install remove", None);
    check("R70", "k8s setup stop start", None);
    check("R70", "machine setup stop <reboot> start", None);
    check("R70", "machine setup stop! <reboot> stop start stop remove", None);
    check("R70", "machine setup stop? <reboot> stop! stop start stop remove", None);
    check("R70", "machine setup stop <reboot> start! start stop remove", None);
    check("R70", "machine setup stop! stop start", Some(6));
    check("R70", "machine setup remove", Some(4));
    check("R70", "machine setup stop start", Some(5));
}

#[test]
fn r71_relations_end_before_stop() {
    check("R71", "machine mid db-relation-broken stop remove", None);
    check("R71", "k8s mid stop db-relation-departed db-relation-broken remove", None);
    check("R71", "machine mid stop db-relation-broken remove", Some(1));
    check("R71", "machine peers=p setup db-relation-created stop", Some(5));
    check("R71", "machine peers=p install p-relation-created leader-elected config-changed start stop", None);
    check("R71", "k8s told peers=p setup db-relation-created:1 <stopping> stop", None);
    check("R71", "k8s told peers=p setup db-relation-created:1 stop", Some(5));
}

#[test]
fn r72_remove_is_last() {
    check("R72", "machine setup stop backup-action remove", None);
    check("R72", "machine setup stop remove update-status", Some(6));
    check("R72", "k8s mid remove install", None);
    check("R72", "machine setup <removed> data-storage-attached install", None);
    check("R72", "machine setup <removed> update-status", Some(4));
}

#[test]
fn r73_a_unit_stops_once() {
    check("R73", "k8s setup stop start stop", None);
    check("R73", "machine setup stop! stop remove", None);
    check("R73", "k8s setup stop stop", Some(5));
    check("R73", "machine install stop", Some(1));
}

#[test]
fn r74_a_unit_that_goes_waits_for_a_failed_hook() {
    check("R74", "told machine setup config-changed! config-changed stop remove", None);
    check("R74", "told machine setup config-changed! <resolved> stop remove", None);
    // The `stop` of a pod does not wait.
    check("R74", "told k8s setup config-changed! <stopping> stop", None);
    check("R74", "told mid leader-elected! remove", None);
    check("R74", "told machine setup config-changed! stop", Some(5));
    check("R74", "told k8s mid config-changed! remove", Some(1));
    warns("R74", "machine setup config-changed! stop", 5);
}

#[test]
fn r76_a_unit_that_goes_begins_nothing() {
    check("R76", "machine mid secret-changed stop remove", None);
    check("R76", "k8s mid stop secret-changed", None);
    check("R76", "machine mid stop config-changed", Some(1));
    check("R76", "machine mid stop secret-remove", Some(1));
    check(
        "R76",
        "k8s told setup stop <agent> <new-pod> upgrade-charm config-changed start stop remove",
        None,
    );
    check("R76", "k8s told setup stop db-relation-created", Some(5));
    // A `stop` that was cut off says no more when it runs again.
    check("R76", "k8s told setup <stopping> stop? <agent> stop start db-relation-created", None);
    check("R76", "k8s told setup <stopping> stop? <agent> stop secret-changed", None);
}

#[test]
fn r80_pebble_waits_for_what_is_queued() {
    check("R80", "k8s install c-pebble-ready config-changed start c-pebble-ready", None);
    check("R80", "k8s c-pebble-ready install", Some(0));
    check("R80", "k8s install config-changed c-pebble-ready start", Some(2));
    check("R80", "k8s mid upgrade-charm c-pebble-ready config-changed", Some(1));
}

#[test]
fn r84_checks_fail_and_recover_by_turns() {
    check("R84", "k8s mid c-pebble-check-recovered c-pebble-check-failed", None);
    check("R84", "k8s mid c-pebble-check-failed start c-pebble-check-failed", None);
    check("R84", "k8s mid c-pebble-check-failed d-pebble-check-failed", None);
    check("R84", "k8s mid c-pebble-check-failed c-pebble-check-failed", Some(1));
    check("R84", "k8s mid start c-pebble-check-recovered", Some(1));
}

#[test]
fn r86_secrets_need_a_charm() {
    check("R86", "install secret-changed", None);
    check("R86", "mid secret-changed", None);
    check("R86", "secret-changed install", Some(0));
}

#[test]
fn r90_a_failed_hook_runs_again() {
    check("R90", "mid config-changed! backup-action config-changed! config-changed update-status", None);
    check("R90", "mid c-pebble-ready! update-status", None);
    check("R90", "mid backup-action! update-status", None);
    check("R90", "mid db-relation-changed! <resolved> update-status", None);
    check("R90", "mid k8s update-status! stop", None);
    check("R90", "told mid config-changed! update-status", Some(1));
    check("R90", "told mid db-relation-changed:1! db-relation-changed:2", Some(1));
    check("R90", "told mid config-changed! backup-action update-status", Some(2));
    warns("R90", "mid config-changed! update-status", 1);
}

#[test]
fn r91_a_resolved_hook_is_done() {
    check("R91", "install! <resolved> leader-elected", None);
    check("R91", "install! install! <resolved> backup-action leader-elected", None);
    check("R91", "machine setup <reboot> start! <resolved> <reboot> start", None);
    check("R91", "mid config-changed! <resolved> config-changed", None);
    // Another relation, or another unit of it.
    check("R91", "mid db-relation-created:1! <resolved> db-relation-created:2", None);
    check("R91", "mid db-relation-created! <resolved> db-relation-created", None);
    check("R91", "install! <resolved> install", Some(1));
    check("R91", "mid db-relation-created:1! <resolved> backup-action db-relation-created:1", Some(2));
    check("R91", "mid data-storage-attached=data/0! <resolved> data-storage-attached=data/0", Some(1));
}

#[test]
fn r95_a_series_upgrade_pauses_a_unit() {
    check("R95", "mid pre-series-upgrade post-series-upgrade config-changed", None);
    check("R95", "mid post-series-upgrade update-status", None);
    check("R95", "mid pre-series-upgrade update-status", Some(1));
    // An agent that was away may have missed the first one.
    check("R95", "told setup <agent> post-series-upgrade", None);
    check("R95", "setup post-series-upgrade", None);
    check("R95", "told setup post-series-upgrade", Some(4));
}

#[test]
fn v01_a_hook_exists_where_it_runs() {
    check("V01", "3.6 k8s mid c-pebble-check-failed secret-changed leader-settings-changed", None);
    check("V01", "3.4 mid c-pebble-check-failed", Some(0));
    check("V01", "3.1 mid c-pebble-custom-notice", Some(0));
    check("V01", "2.9 mid secret-changed", Some(0));
    check("V01", "4.0 mid leader-settings-changed", Some(0));
    check("V01", "4.0 mid collect-metrics", Some(0));
    check("V01", "mid leader-deposed", Some(0));
    check("V01", "machine mid c-pebble-ready", Some(0));
    check("V01", "k8s mid pre-series-upgrade", Some(0));
}

#[test]
fn v02_a_hook_is_of_what_the_charm_has() {
    let charm = "endpoints=database,peers:peer storages=data:1 containers=web actions=backup";
    check(
        "V02",
        &format!(
            "k8s mid {charm} database-relation-joined data-storage-attached web-pebble-ready backup-action"
        ),
        None,
    );
    check("V02", "mid anything-relation-joined", None);
    check("V02", &format!("mid {charm} databse-relation-joined"), Some(0));
    check("V02", &format!("mid {charm} cache-storage-attached"), Some(0));
    check("V02", &format!("mid {charm} sidecar-pebble-ready"), Some(0));
    check("V02", &format!("mid {charm} restore-action"), Some(0));
    warns("V02", &format!("mid in-log {charm} databse-relation-joined"), 0);
    let (settings, events) = parse(&format!("mid {charm} databse-relation-joined"));
    let findings = judge(settings, &events);
    assert_eq!(
        findings[0].reason,
        "`databse-relation-joined` is of the endpoint `databse`, which the charm has not; `database` is near"
    );
}

#[test]
fn a_breach_is_told_with_the_hook_that_it_follows_from() {
    let check = |sequence: &str, rule: RuleId, expected: usize| {
        let (settings, events) = parse(sequence);
        let findings = judge(settings, &events);
        let finding = findings.iter().find(|finding| finding.rule == rule).expect("the rule says something");
        assert_eq!(finding.since, Some(expected), "{sequence}");
    };
    let joined = "setup db-relation-created:1 db-relation-joined:1@a/0";
    check(&format!("{joined} config-changed db-relation-departed:1@a/0"), RuleId::R31, 5);
    check("setup db-relation-created:1 update-status db-relation-created:1", RuleId::R33, 4);
    check("mid db-relation-broken:1 update-status db-relation-changed:1", RuleId::R41, 0);
    check("mid config-changed! backup-action update-status", RuleId::R90, 0);
    check("machine setup stop update-status", RuleId::R58, 4);
    check("mid upgrade-charm update-status", RuleId::R51, 0);
}

#[test]
fn a_breach_is_told_once_where_it_is() {
    // One hook out of place should not make the rest of a log look broken.
    for (sequence, expected) in [
        ("machine config-changed update-status update-status", vec![(RuleId::R01, 0)]),
        ("machine setup stop remove update-status update-status", vec![(RuleId::R58, 6), (RuleId::R72, 6)]),
        ("machine install leader-elected start update-status", vec![(RuleId::R10, 2)]),
    ] {
        let (settings, events) = parse(sequence);
        let findings = judge(settings, &events);
        let said: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.position)).collect();
        assert_eq!(said, expected, "{sequence}");
    }
}
