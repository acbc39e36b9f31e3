//! What one process of a service needs before its program takes over.
//!
//! The plan is made by the manager, which knows the unit and the machine's users, and carried out
//! in the child of a fork by `process`.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::accounts;
use super::command::CommandLine;
use super::service::config::{Execution, Folders, Limit, Output, environment_file};
use super::service::status::code_of;
use super::words;

/// The `PATH` of services.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Everything about one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessPlan {
    pub program: String,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// The bool says whether it may be missing.
    pub working_directory: Option<(String, bool)>,
    pub root_directory: Option<String>,
    /// The user, its group and all its other groups, if they are not root's.
    pub account: Option<(u32, u32, Vec<u32>)>,
    pub umask: u32,
    pub limits: Vec<Limit>,
    pub folders: Vec<Folders>,
    /// Who gets the folders.
    pub owner: (u32, u32),
    pub output: Output,
    pub error: Output,
    pub input: Option<String>,
    pub nice: Option<i32>,
    pub oom_score: Option<i32>,
    pub ambient_capabilities: Vec<String>,
    /// The names of the sockets that come along.
    pub sockets: Vec<String>,
    /// Why it cannot be: the code to exit with, and a sentence.
    pub refusal: Option<(i32, String)>,
}

/// What the plan depends on besides the unit.
#[derive(Debug, Clone)]
pub(crate) struct Context<'a> {
    pub root: &'a Utf8Path,
    /// Variables of the moment: `MAINPID`, `NOTIFY_SOCKET`, `INVOCATION_ID`.
    pub variables: Vec<(String, String)>,
    pub sockets: Vec<String>,
    /// Whether nobody but root exists here.
    pub has_single_user: bool,
    pub unit: &'a str,
}

/// Makes the plan of one command.
pub(crate) fn plan(command: &CommandLine, execution: &Execution, context: &Context<'_>) -> ProcessPlan {
    let read = |path: &str| {
        let bytes = crate::plain::read(super::condition::in_root(context.root, path)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut refusal = None;
    let mut refuse = |step: &str, why: String| {
        refusal.get_or_insert((
            code_of(step).unwrap_or(1),
            format!("Failed at step {step} spawning {}: {why}", command.program),
        ));
    };
    let passwd = read("/etc/passwd");
    let group_file = read("/etc/group");
    let mut environment: Vec<(String, String)> = vec![("PATH".to_owned(), PATH.to_owned())];
    let locale = environment_file(&read("/etc/default/locale"));
    environment
        .extend(locale.into_iter().filter(|(name, _)| name.starts_with("LANG") || name.starts_with("LC_")));
    let mut account = None;
    let user = match &execution.user {
        Some(name) => {
            let found = accounts::user(name, &passwd);
            if found.is_none() && !execution.is_dynamic_user {
                refuse("USER", format!("No such user {name}"));
            }
            found
        }
        None => None,
    };
    if let Some(user) = &user {
        let groups = accounts::memberships(&user.name, &group_file);
        account = Some((user.id, user.group, groups));
        for (name, value) in
            [("HOME", &user.home), ("LOGNAME", &user.name), ("USER", &user.name), ("SHELL", &user.shell)]
        {
            environment.push((name.to_owned(), value.clone()));
        }
    } else if execution.is_dynamic_user {
        let id = dynamic_id(execution.user.as_deref().unwrap_or(context.unit));
        account = Some((id, id, Vec::new()));
    }
    if let Some(name) = &execution.group {
        match accounts::group(name, &group_file) {
            Some(id) => {
                let (user, _, groups) = account.take().unwrap_or((0, 0, Vec::new()));
                account = Some((user, id, groups));
            }
            None => refuse("GROUP", format!("No such group {name}")),
        }
    }
    for name in &execution.supplementary_groups {
        match accounts::group(name, &group_file) {
            Some(id) => account.get_or_insert((0, 0, Vec::new())).2.push(id),
            None => refuse("GROUP", format!("No such group {name}")),
        }
    }
    let owner = account.as_ref().map_or((0, 0), |(user, group, _)| (*user, *group));
    for kind in &execution.folders {
        let paths: Vec<&str> = kind.folders.iter().map(|folder| folder.path.as_str()).collect();
        environment.push((kind.variable.clone(), paths.join(":")));
    }
    environment.extend(context.variables.iter().cloned());
    environment.extend(execution.environment.iter().cloned());
    for (path, may_be_missing) in &execution.environment_files {
        for path in expanded(context.root, path) {
            match crate::plain::read(super::condition::in_root(context.root, &path)) {
                Ok(bytes) => environment.extend(environment_file(&String::from_utf8_lossy(&bytes))),
                Err(_) if *may_be_missing => {}
                Err(error) => {
                    let why = format!("Failed to load environment files: {error}");
                    refusal.get_or_insert((1, why));
                }
            }
        }
    }
    let environment = settled(environment, &execution.unset_environment);
    let lookup =
        |name: &str| environment.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let arguments = match command.arguments.split_first() {
        Some((first, rest)) if !command.keeps_dollars => {
            let mut arguments = vec![first.clone()];
            arguments.extend(words::substitute(rest, lookup));
            arguments
        }
        Some(_) | None => command.arguments.clone(),
    };
    let working_directory = match &execution.working_directory {
        Some((path, may_be_missing)) if path == "~" => {
            let home = user.as_ref().map_or("/root", |user| user.home.as_str());
            Some((home.to_owned(), *may_be_missing))
        }
        other => other.clone(),
    };
    let keeps_root = command.keeps_privileges || context.has_single_user;
    ProcessPlan {
        program: command.program.clone(),
        arguments,
        environment,
        working_directory,
        root_directory: execution.root_directory.clone(),
        account: account.filter(|_| !keeps_root),
        umask: execution.umask,
        limits: execution.limits.clone(),
        folders: execution.folders.clone(),
        owner: if context.has_single_user { (0, 0) } else { owner },
        output: execution.output.clone(),
        error: execution.error.clone(),
        input: execution.input.clone(),
        nice: execution.nice,
        oom_score: execution.oom_score,
        ambient_capabilities: if keeps_root { Vec::new() } else { execution.ambient_capabilities.clone() },
        sockets: context.sockets.clone(),
        refusal,
    }
}

/// The files that a path stands for, which may be a pattern.
fn expanded(root: &Utf8Path, path: &str) -> Vec<String> {
    let Some((folder, pattern)) = path.rsplit_once('/').filter(|(_, name)| name.contains(['*', '?', '[']))
    else {
        return vec![path.to_owned()];
    };
    let entries = fs_err::read_dir(super::condition::in_root(root, folder));
    let mut found: Vec<String> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| super::condition::matches(pattern, name))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    found.sort();
    found
}

/// Each variable once, with its last value.
fn settled(environment: Vec<(String, String)>, unset: &[String]) -> Vec<(String, String)> {
    let mut settled: Vec<(String, String)> = Vec::new();
    for (name, value) in environment {
        match settled.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => settled.push((name, value)),
        }
    }
    settled.retain(|(name, value)| {
        !unset.iter().any(|unset| unset == name || unset.split_once('=') == Some((name, value)))
    });
    settled
}

/// The number of a user that exists while a service does. It is always the same for a name, and
/// one of those that systemd takes; that two services might share one is left to chance.
fn dynamic_id(name: &str) -> u32 {
    const FIRST: u32 = 61184;
    const LAST: u32 = 65519;
    let hash = name.bytes().fold(5381_u32, |hash, byte| hash.wrapping_mul(33) ^ u32::from(byte));
    FIRST + hash % (LAST - FIRST + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::name::UnitName;
    use crate::services::specifiers::Identity;
    use crate::services::text;
    use crate::services::unit::Unit;

    fn planned(section: &str, has_single_user: bool) -> ProcessPlan {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir(root.join("etc")).unwrap();
        fs_err::write(root.join("etc/passwd"), "web:x:33:34:w:/var/www:/bin/sh\n").unwrap();
        fs_err::write(root.join("etc/group"), "web:x:34:\nssl:x:110:web\nadm:x:4:\n").unwrap();
        fs_err::write(root.join("etc/web.env"), "OPTS=-v --port=80\nA=file\n").unwrap();
        let identity = Identity {
            host_name: String::new(),
            machine_id: String::new(),
            boot_id: String::new(),
            kernel: String::new(),
        };
        let text = text::parse(&format!("[Service]\n{section}"));
        let unit = Unit::read(&UnitName::parse("web.service").unwrap(), &text, &identity);
        let service = unit.service().unwrap();
        let context = Context {
            root,
            variables: vec![("MAINPID".to_owned(), "7".to_owned())],
            sockets: Vec::new(),
            has_single_user,
            unit: "web.service",
        };
        plan(&service.start[0], &service.execution, &context)
    }

    #[test]
    fn a_process_runs_as_its_user_with_its_variables() {
        let plan = planned(
            "ExecStart=/bin/web $OPTS --main ${MAINPID} --a=${A}\nUser=web\nSupplementaryGroups=adm\n\
             Environment=A=unit\nEnvironmentFile=/etc/web.env\nStateDirectory=web\nWorkingDirectory=~\n",
            false,
        );
        assert_eq!(plan.account, Some((33, 34, vec![110, 4])));
        assert_eq!(plan.arguments, ["/bin/web", "-v", "--port=80", "--main", "7", "--a=file"]);
        assert_eq!(plan.working_directory, Some(("/var/www".to_owned(), false)));
        let shown: Vec<String> =
            plan.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert!(shown.contains(&"HOME=/var/www".to_owned()) && shown.contains(&"A=file".to_owned()));
        assert!(shown.contains(&"STATE_DIRECTORY=/var/lib/web".to_owned()), "{shown:?}");
        assert_eq!(plan.refusal, None);
    }

    #[test]
    fn what_is_missing_is_told_by_the_code() {
        let refusal = |section: &str| planned(section, false).refusal.map(|(code, _)| code);
        assert_eq!(refusal("ExecStart=/bin/web\nUser=nobody"), Some(217));
        assert_eq!(refusal("ExecStart=/bin/web\nGroup=none"), Some(216));
        assert_eq!(refusal("ExecStart=/bin/web\nEnvironmentFile=/etc/none"), Some(1));
        assert_eq!(refusal("ExecStart=/bin/web\nEnvironmentFile=-/etc/none\nDynamicUser=yes"), None);
    }

    #[test]
    fn privileges_are_kept_where_that_is_asked_for_or_cannot_be_otherwise() {
        assert_eq!(planned("ExecStart=+/bin/web\nUser=web", false).account, None);
        assert_eq!(planned("ExecStart=/bin/web\nUser=web", true).account, None);
    }
}
