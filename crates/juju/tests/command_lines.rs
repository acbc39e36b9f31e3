//! Command lines as Juju reads them: what is understood, and what is refused with which words.

use charmproof_juju::flags::{
    CommandLine, Parsed, UNSUPPORTED_COMMANDS, all, check_arguments_in_model, check_deploy_flags, find,
    read_command_line, unknown_command,
};
use proptest::prelude::*;

/// Splits a line at spaces. A word in quotes may have spaces in it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|first| matches!(first, '\'' | '"'));
        let (word, behind) = match quote {
            Some(quote) => rest[1..].split_once(quote).expect("quotes are closed"),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = behind.trim_start();
    }
    words
}

fn run(line: &str) -> Parsed {
    match read_command_line(&words(line)) {
        Ok(CommandLine::Run(parsed)) => parsed,
        other => panic!("{line}: {other:?}"),
    }
}

fn printed(line: &str) -> String {
    match read_command_line(&words(line)) {
        Ok(CommandLine::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

/// What is printed for a line that is refused, with the exit code in front.
fn refusal(line: &str) -> String {
    match read_command_line(&words(line)) {
        Err(error) => format!("{} ERROR {error}", error.exit_code()),
        Ok(CommandLine::Plugin { name, .. }) => format!("1 ERROR {}", unknown_command(&name)),
        Ok(other) => panic!("{line}: {other:?}"),
    }
}

#[test]
fn flags_come_in_every_form_that_juju_takes() {
    let forms = [
        "deploy --model m ./a.charm b --num-units 2 --channel edge --trust --config a=1 --config b=2",
        "deploy ./a.charm -m m b -n 2 --channel=edge --trust=true --config=a=1 --config=b=2",
        "deploy ./a.charm b -mm -n2 --channel edge --trust --config a=1 --config b=2",
        "deploy --trust=1 ./a.charm --n 2 --m=m b --channel stable --channel edge --config a=1 --config b=2",
        "-q --verbose=false deploy --model m -n 0x2 --trust --channel edge --config a=1 --config b=2 -- ./a.charm b",
    ];
    for form in forms {
        let parsed = run(form);
        assert_eq!(parsed.positionals, ["./a.charm", "b"], "{form}");
        assert_eq!(parsed.model(), Some("m"), "{form}");
        assert_eq!(parsed.number("num-units"), Some(2), "{form}");
        assert_eq!(parsed.text("channel"), Some("edge"), "{form}");
        assert_eq!(parsed.texts("config"), ["a=1", "b=2"], "{form}");
        assert!(parsed.is_set("trust") && !parsed.is_set("force"), "{form}");
    }
}

#[test]
fn short_switches_share_a_word() {
    let parsed = run("remove-offer -yB admin/m.a -qc ctl");
    assert!(parsed.is_set("yes") && parsed.is_set("no-browser-login") && parsed.global.is_quiet);
    assert_eq!(parsed.controller(), Some("ctl"));
    assert_eq!(parsed.positionals, ["admin/m.a"]);
}

#[test]
fn words_behind_two_hyphens_are_positionals() {
    assert_eq!(run("exec --unit a/0 -- hostname -f").positionals, ["hostname", "-f"]);
    assert_eq!(run("exec -u a/0,b/1 'echo --format' --format json").list("unit"), ["a/0", "b/1"]);
    assert_eq!(run("scp --container c -- -r a/0:x .").positionals, ["-r", "a/0:x", "."]);
}

#[test]
fn the_command_line_of_another_program_begins_at_the_first_positional() {
    let parsed = run("ssh -m m --container c a/0 -i key ls --model x -- y");
    assert_eq!(parsed.positionals, ["a/0", "-i", "key", "ls", "--model", "x", "--", "y"]);
    assert_eq!((parsed.model(), parsed.text("container")), (Some("m"), Some("c")));
}

#[test]
fn defaults_hold_where_nothing_is_said() {
    let deploy = run("deploy a");
    assert_eq!(deploy.number("num-units"), Some(1));
    assert_eq!(deploy.number("revision"), None);
    assert_eq!(deploy.text("channel"), None);
    let status = run("status");
    assert_eq!(status.format(), Some("tabular"));
    assert_eq!(status.number("retry-count"), Some(3));
    assert!(!status.is_for_machines() && run("status --format json").is_for_machines());
    let refresh = run("refresh a");
    assert_eq!(
        (refresh.switch("trust"), run("refresh a --trust=false").switch("trust")),
        (None, Some(false))
    );
    assert!(
        run("exec --all x").is_set("parallel") && !run("exec --all x --parallel=false").is_set("parallel")
    );
    assert_eq!(run("wait-for application a").text("query"), Some("life==\"alive\" && status==\"active\""));
    assert_eq!(run("run a/0 b").duration("wait").map(|wait| wait.as_secs()), Some(0));
    assert_eq!(run("show-task 2").duration("wait"), None);
}

#[test]
fn names_and_aliases_are_one_command() {
    for (alias, name) in [
        ("relate", "integrate"),
        ("resolve", "resolved"),
        ("list-models", "models"),
        ("list-storage", "storage"),
        ("set-default-credentials", "default-credential"),
    ] {
        assert_eq!(find(alias).unwrap().name, name);
    }
    assert!(find("add-relation").is_none());
    assert_eq!(run("--version").command.name, "version");
    assert_eq!(run("version --all --format json").format(), Some("json"));
}

#[test]
fn no_two_commands_share_a_name_and_no_two_flags_of_a_command() {
    let mut names: Vec<&str> =
        all().flat_map(|spec| spec.aliases.iter().copied().chain([spec.name])).collect();
    names.extend(UNSUPPORTED_COMMANDS);
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    let global =
        ["debug", "help", "h", "quiet", "q", "verbose", "v", "show-log", "logging-config", "log-file"];
    for spec in all() {
        let flags = spec.all_flags();
        let mut names: Vec<&str> = flags.iter().flat_map(|flag| flag.names).copied().collect();
        names.extend(global);
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}", spec.name);
        for other in spec.see_also {
            assert!(find(other).is_some(), "{} sees {other}", spec.name);
        }
    }
}

#[test]
fn every_default_is_one_that_the_flag_takes() {
    for spec in all() {
        for flag in spec.all_flags() {
            let is_typed = !matches!(flag.default, "" | "[]" | "unset" | "nil" | "<auto>");
            if is_typed {
                let line = vec![format!("--{}={}", flag.names[0], flag.default)];
                assert!(charmproof_juju::flags::parse(spec, &line).is_ok(), "{} {line:?}", spec.name);
            }
        }
    }
}

#[test]
fn refusals_have_the_words_of_juju() {
    let lines = include_str!("command_lines/refused.txt");
    let mut table = String::new();
    for line in lines.lines().filter(|line| !line.is_empty()) {
        table.push_str(&format!("juju {line}\n{}\n\n", refusal(line)));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_kind_of_the_model_decides_what_else_is_refused() {
    let check = |line: &str, is_kubernetes: bool, expected: &str| {
        let found = check_arguments_in_model(&run(line), is_kubernetes);
        let found = found.map_or_else(|error| error.to_string(), |()| "fine".to_owned());
        assert_eq!(found, expected, "{line}");
    };
    check("deploy a --to 0", false, "fine");
    check("deploy a --to 0", true, "--to cannot be used on k8s models");
    check("deploy a --attach-storage a/0", true, "--attach-storage cannot be used on k8s models");
    check("add-unit a --to 0", true, "k8s models only support --num-units");
    check("add-unit a -n 2", true, "fine");
    check("remove-unit a/0", false, "fine");
    check("remove-unit a --num-units 1", true, "fine");
    check("remove-unit a --num-units 1", false, "--num-units for non k8s models not valid");
    check("remove-unit", false, "no units specified");
    check("remove-unit a", false, "invalid unit name \"a\"");
    check(
        "remove-unit a/0",
        true,
        "k8s models do not support removing named units.\nInstead specify an application with --num-units.\n",
    );
    check("remove-unit a", true, "specify the number of units (> 0) to remove using --num-units");
    check("remove-unit a b", true, "only single application supported");
    check("scale-application a 3", true, "fine");
    check(
        "scale-application a 3",
        false,
        "Juju command \"scale-application\" only supported on k8s container models",
    );
    check("machines", true, "Juju command \"machines\" not supported on container models");
    check("create-storage-pool fast", true, "fine");
    check("create-storage-pool fast storage-class=a", true, "fine");
    check(
        "create-storage-pool fast",
        false,
        "pool creation requires names, provider type and optional attributes for configuration",
    );
    check("create-storage-pool fast tmpfs a", false, "expected \"key=value\", got \"a\"");
}

#[test]
fn flags_for_charms_are_not_for_bundles() {
    let check = |line: &str, is_bundle: bool, expected: &str| {
        let found = check_deploy_flags(&run(line), is_bundle);
        assert_eq!(found.err().unwrap_or_default(), expected, "{line}");
    };
    let bundle = "options provided but not supported when deploying a bundle: ";
    check("deploy a --trust --channel edge --force --dry-run --storage b:c=1 --overlay x", true, "");
    check(
        "deploy a -n 2 --to 0 --config a=1 --base ubuntu@24.04",
        true,
        &format!("{bundle}--base, --config, -n, --to"),
    );
    check("deploy a --num-units 2 -n 3", true, &format!("{bundle}-n, --num-units"));
    check("deploy a -n 2 --to 0", false, "");
    check(
        "deploy a --overlay x --map-machines existing",
        false,
        "options provided but not supported when deploying a charm: --map-machines, --overlay",
    );
}

#[test]
fn help_has_the_layout_of_juju() {
    insta::assert_snapshot!("help_deploy", printed("deploy --help"));
    insta::assert_snapshot!("help_integrate", printed("help relate"));
    insta::assert_snapshot!("help_wait_for", printed("wait-for --help"));
    insta::assert_snapshot!("help_wait_for_unit", printed("help wait-for unit"));
    insta::assert_snapshot!("help_version", printed("version -h"));
    insta::assert_snapshot!("help_commands", printed("help commands"));
    insta::assert_snapshot!("help_topics", printed("help topics"));
    insta::assert_snapshot!("help_global_options", printed("help global-options"));
    insta::assert_snapshot!("help_basics", printed("help"));
    for line in ["", "-h", "--help", "help basics", "--debug help"] {
        assert_eq!(printed(line), printed("help"), "{line}");
    }
    assert_eq!(printed("status --help --format json extra"), printed("help status"));
}

#[test]
fn every_command_has_help() {
    for spec in all() {
        let help = printed(&format!("help {}", spec.name));
        assert!(help.starts_with(&format!("Usage: juju {} [", spec.name)), "{help}");
        assert!(spec.summary.ends_with('.') && spec.details.ends_with('.'), "{}", spec.name);
        for example in spec.examples {
            assert!(example.starts_with(&format!("juju {}", spec.name)), "{example}");
        }
    }
}

#[test]
fn every_example_can_be_typed() {
    for spec in all() {
        for example in spec.examples {
            let line = words(example);
            let read = read_command_line(&line[1..]);
            assert!(matches!(read, Ok(CommandLine::Run(_))), "{example}: {read:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_words_are_read_or_refused(words in proptest::collection::vec("\\PC{0,12}", 0..8)) {
        let _ = read_command_line(&words);
    }

    #[test]
    fn flag_like_words_behind_any_command_are_read_or_refused(
        index in any::<prop::sample::Index>(),
        words in proptest::collection::vec(
            "(-{1,2}[a-z]{0,3}(=[a-z0-9]{0,3})?|[a-z]{1,3}(/[0-9])?(=[0-9])?|--(model|format|config|num-units|wait|to|storage)=?[a-z0-9=,:]{0,5})",
            0..8,
        ),
    ) {
        let specs: Vec<_> = all().collect();
        let spec = index.get(&specs);
        let mut line: Vec<String> = spec.name.split(' ').map(str::to_owned).collect();
        line.extend(words);
        if let Ok(CommandLine::Run(parsed)) = read_command_line(&line) {
            for flag in parsed.command.all_flags() {
                let name = flag.names[0];
                let _ = (parsed.is_set(name), parsed.list(name), parsed.number(name), parsed.duration(name));
            }
            let _ = check_arguments_in_model(&parsed, true);
            let _ = check_arguments_in_model(&parsed, false);
        }
    }
}
