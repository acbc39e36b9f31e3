//! Queries as people type them, and what is wrong with others.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Property {
    Property::Text(text.to_owned())
}

fn unit(name: &str, status: &str) -> Entity {
    Entity {
        kind: "UnitInfo",
        name: name.to_owned(),
        properties: BTreeMap::from([
            ("name", text(name)),
            ("life", text("alive")),
            ("workload-status", text(status)),
        ]),
        members: BTreeMap::new(),
    }
}

fn application(name: &str, units: Vec<Entity>) -> Entity {
    Entity {
        kind: "ApplicationInfo",
        name: name.to_owned(),
        properties: BTreeMap::from([
            ("name", text(name)),
            ("life", text("alive")),
            ("status", text("active")),
            ("min-units", Property::Number(0)),
            ("exposed", Property::Is(true)),
        ]),
        members: BTreeMap::from([("units", units)]),
    }
}

fn ubuntu() -> Entity {
    application("ubuntu", vec![unit("ubuntu/0", "active"), unit("ubuntu/1", "waiting")])
}

fn model() -> Entity {
    Entity {
        kind: "ModelInfo",
        name: "test".to_owned(),
        properties: BTreeMap::from([
            ("name", text("test")),
            ("life", text("alive")),
            ("status", text("available")),
            ("config", Property::Settings(BTreeMap::from([("a".to_owned(), "3".to_owned())]))),
        ]),
        members: BTreeMap::from([
            ("applications", vec![ubuntu()]),
            ("units", vec![unit("ubuntu/0", "active")]),
            ("machines", Vec::new()),
        ]),
    }
}

fn asked(entity: &Entity, query: &str) -> Result<bool, QueryError> {
    Query::parse(query)?.holds(entity, &mut Witnessed::default())
}

#[test]
fn queries_hold_or_do_not() {
    let check = |query: &str, expected: bool| assert_eq!(asked(&ubuntu(), query), Ok(expected), "{query}");
    check(r#"life=="alive" && status=="active""#, true);
    check("life=='alive' && status=='idle'", false);
    check(r#"name=="ubuntu" && (status=="active" || status=="idle")"#, true);
    check("len(units) == 2", true);
    check("len(units) == 4", false);
    check(r#"forEach(units, unit => unit.life=="alive" && startsWith(unit.name, "ubuntu"))"#, true);
    check(r#"forEach(units, unit => unit.workload-status == "active")"#, false);
    check(r#"forEach(units, unit => unit.name == "x"; endsWith(unit.workload-status, "i"))"#, false);
    check("exposed", true);
    check("min-units", false);
    check("1 <= 1 && 1 < 2 && 2 > 1 && 2 >= 2 && 1 != 2", true);
    check("1.5 > 1.25", true);
    check(r#"1 == "1""#, false);
    check(r#"1 != "1""#, true);
    check("true || missing", true);
    check("False && missing", false);
    check("(1 == 1) && (1 > 0)", true);
    check("_ => _", true);
    check("(); false; true", false);
    check("", false);
    check(r#"int("3") == 3"#, true);
    check("\n  status\n== \"active\"", true);
}

#[test]
fn queries_on_models_look_into_what_belongs_to_them() {
    let check = |query: &str, expected: bool| assert_eq!(asked(&model(), query), Ok(expected), "{query}");
    check(r#"forEach(applications, app => app.status == "active")"#, true);
    check(
        r#"life=="alive" && status=="available" && forEach(units, unit => startsWith(unit.name, "ubuntu"))"#,
        true,
    );
    check("forEach(applications, app => forEach(app.units, unit => unit.life == app.life))", true);
    check("forEach(applications, app => len(app.units) == 2)", true);
    // Of none, nothing holds.
    check("forEach(machines, machine => true)", false);
    check(r#"config["a"] == "3""#, true);
    check("len(config) == 1", true);
}

#[test]
fn what_was_looked_at_is_known() {
    let query = Query::parse(r#"life == "alive" && forEach(units, u => print(u.name) != "")"#).unwrap();
    let (ubuntu, mut witnessed) = (ubuntu(), Witnessed::default());
    assert_eq!(query.holds(&ubuntu, &mut witnessed), Ok(true));
    assert_eq!(witnessed.printed, ["ubuntu/0", "ubuntu/1"]);
    let names = |witnessed: &Witnessed| witnessed.names.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(&witnessed), "life units");
    assert_eq!(names(&witnessed.members["units"]["ubuntu/1"]), "name");
    assert_eq!(witnessed.values(&ubuntu)["life"], text("alive"));
}

#[test]
fn what_is_wrong_with_a_query_is_said_with_its_place() {
    let wrong = [
        "life == \"alive",
        "life == ",
        "life & status",
        "(life == 'alive'",
        "len(units",
        "life\n&& status ==",
        "len(units) && true",
        "false || len(units)",
        "99999999999999999999 == 1",
        "lif == 'alive'",
        "unit.name == 'x'",
        "forEach(units, unit => unit.status == 'active')",
        "length(units) == 1",
        "len(1) == 1",
        "len(units, units)",
        "startsWith(name, 1)",
        "forEach(name, unit => true)",
        "forEach(units, 1)",
        "int('x')",
        "name[1]",
        "1(2)",
    ];
    let said: String = wrong
        .iter()
        .map(|query| format!("> {query}\n{}\n\n", asked(&ubuntu(), query).expect_err(query)))
        .collect();
    insta::assert_snapshot!("what_is_wrong_with_queries", said);
}

#[test]
fn depth_has_an_end() {
    let deep = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(asked(&ubuntu(), &deep).is_err());
    for part in ["a => ", "true && ", "a.", "(", "len("] {
        assert!(asked(&ubuntu(), &part.repeat(100_000)).is_err());
        assert!(asked(&ubuntu(), &part.repeat(150)).is_err());
    }
    assert_eq!(asked(&ubuntu(), &(format!("{}true", "true && ".repeat(140)))), Ok(true));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z(),;.=!<>&|\"' \n0-9_\\[\\]]{0,40}") {
        let _ = asked(&model(), &text);
    }

    #[test]
    fn texts_are_compared_as_they_stand(one in "[a-c]{0,3}", other in "[a-c]{0,3}") {
        let said = |how: &str| asked(&model(), &format!("'{one}' {how} '{other}'")).unwrap();
        prop_assert_eq!(said("=="), one == other);
        prop_assert_eq!(said("!="), one != other);
        prop_assert_eq!(said("<"), one < other);
        prop_assert_eq!(said(">="), one >= other);
    }
}
