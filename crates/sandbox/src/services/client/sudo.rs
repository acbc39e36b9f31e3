//! The program `sudo` of a machine whose distribution has none.
//!
//! It is compiled by `build.rs`, needs the standard library and nothing else, and is carried in the crate.
//! It belongs to root and is started with root's rights, so it decides who may have them: root, whoever is
//! in one of the groups that distributions give them to, and whoever a file of `sudo` names. It asks for no
//! password, and looks at nothing else in those files: which commands somebody may run is not read.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, exit};

/// Where programs are looked for, whatever the caller's own list is.
const SECURE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";
/// What is never kept of it by a wish for all: what makes programs load or run something of the caller's.
/// Those that end with `*` are beginnings.
const UNSAFE: [&str; 54] = [
    "IFS",
    "CDPATH",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    "HOSTALIASES",
    "NLSPATH",
    "PATH_LOCALE",
    "LD_*",
    "_RLD*",
    "LIBPATH",
    "SHLIB_PATH",
    "LDR_*",
    "DYLD_*",
    "AUTHSTATE",
    "KRB5_CONFIG*",
    "KRB5_KTNAME",
    "VAR_ACE",
    "USR_ACE",
    "DLC_ACE",
    "TERMINFO*",
    "TERMPATH",
    "TERMCAP",
    "ENV",
    "BASH_ENV",
    "PS4",
    "GLOBIGNORE",
    "BASHOPTS",
    "SHELLOPTS",
    "BASH_FUNC_*",
    "JAVA_TOOL_OPTIONS",
    "PERLIO_DEBUG",
    "PERLLIB",
    "PERL5LIB",
    "PERL5OPT",
    "PERL5DB",
    "FPATH",
    "NULLCMD",
    "READNULLCMD",
    "ZDOTDIR",
    "TMPPREFIX",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONINSPECT",
    "PYTHONUSERBASE",
    "PYTHONSTARTUP",
    "RUBYLIB",
    "RUBYOPT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "GCONV_PATH",
    "GETCONF_DIR",
    "LOCPATH",
    "MALLOC_TRACE",
    "TZDIR",
];
/// Whose members may do everything.
const GROUPS: [&str; 3] = ["sudo", "admin", "wheel"];
/// What is kept of the caller's environment.
const KEPT: [&str; 9] =
    ["TERM", "COLORTERM", "LANG", "LANGUAGE", "DISPLAY", "XAUTHORITY", "LS_COLORS", "COLUMNS", "LINES"];

unsafe extern "C" {
    fn getuid() -> u32;
    fn setgroups(count: usize, groups: *const u32) -> i32;
    fn setresgid(real: u32, effective: u32, saved: u32) -> i32;
    fn setresuid(real: u32, effective: u32, saved: u32) -> i32;
}

/// Somebody with a line in `/etc/passwd`.
#[derive(Clone)]
struct Account {
    name: String,
    user: u32,
    group: u32,
    home: String,
    shell: String,
}

/// What was asked for.
#[derive(Default)]
struct Request {
    user: Option<String>,
    group: Option<String>,
    folder: Option<String>,
    keeps_environment: bool,
    kept: Vec<String>,
    is_login: bool,
    is_shell: bool,
    is_in_background: bool,
    sets_home: bool,
    variables: Vec<(String, String)>,
    command: Vec<OsString>,
    /// An answer instead of a command.
    asked: Option<Asked>,
}

#[derive(Clone, Copy)]
enum Asked {
    List,
    Version,
    Nothing,
}

fn main() {
    let request = read(env::args_os().skip(1).collect()).unwrap_or_else(|why| fail(&why));
    let accounts = accounts();
    // SAFETY: it takes nothing and cannot fail. Not whose rights the program has, but who called.
    let number = unsafe { getuid() };
    let caller = accounts.iter().find(|account| account.user == number).cloned();
    let caller =
        caller.unwrap_or_else(|| fail(&format!("you do not exist in the passwd database ({number})")));
    if caller.user != 0 && !may(&caller) {
        eprintln!("{} is not in the sudoers file.", caller.name);
        exit(1);
    }
    match request.asked {
        Some(Asked::List) => {
            println!(
                "User {} may run the following commands on this machine:\n    (ALL : ALL) NOPASSWD: ALL",
                caller.name
            );
            exit(0);
        }
        Some(Asked::Version) => {
            println!("Sudo of this machine of charmproof");
            exit(0);
        }
        Some(Asked::Nothing) => exit(0),
        None => {}
    }
    // Who asks for a group alone stays who it is.
    let nobody_said = || if request.group.is_some() { caller.name.clone() } else { "root".to_owned() };
    let wanted = request.user.clone().unwrap_or_else(nobody_said);
    let target = accounts.iter().find(|account| match wanted.strip_prefix('#') {
        Some(number) => number.parse() == Ok(account.user),
        None => account.name == wanted,
    });
    let Some(target) = target.cloned() else { fail(&format!("unknown user {wanted}")) };
    become_somebody(&request, &caller, &target);
}

fn fail(why: &str) -> ! {
    eprintln!("sudo: {why}");
    exit(1);
}

/// Reads the command line. What concerns passwords is taken and means nothing here.
fn read(words: Vec<OsString>) -> Result<Request, String> {
    let mut request = Request::default();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let Some(text) = word.to_str().map(str::to_owned) else {
            request.command.push(word);
            break;
        };
        if text == "--" {
            break;
        }
        if let Some(long) = text.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let mut value_of = |value: Option<String>| {
                let value = value.or_else(|| words.next()?.into_string().ok());
                value.ok_or_else(|| format!("option '--{name}' requires an argument"))
            };
            match name {
                "user" => request.user = Some(value_of(value)?),
                "group" => request.group = Some(value_of(value)?),
                "chdir" => request.folder = Some(value_of(value)?),
                "prompt" | "host" | "close-from" | "other-user" | "command-timeout" | "chroot" => {
                    value_of(value)?;
                }
                "preserve-env" => match value {
                    Some(names) => request.kept.extend(names.split(',').map(str::to_owned)),
                    None => request.keeps_environment = true,
                },
                "login" => request.is_login = true,
                "shell" => request.is_shell = true,
                "background" => request.is_in_background = true,
                "list" => request.asked = Some(Asked::List),
                "version" | "help" => request.asked = Some(Asked::Version),
                "validate" | "remove-timestamp" => request.asked = Some(Asked::Nothing),
                "set-home" => request.sets_home = true,
                "non-interactive" | "stdin" | "reset-timestamp" | "askpass" | "bell" | "preserve-groups"
                | "no-update" => {}
                _ => return Err(format!("unrecognized option '--{name}'")),
            }
            continue;
        }
        if let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                if "ugDphCUTR".contains(letter) {
                    let own = rest.as_str().to_owned();
                    let value = if own.is_empty() {
                        words.next().and_then(|word| word.into_string().ok())
                    } else {
                        Some(own)
                    };
                    let value = value.ok_or_else(|| format!("option requires an argument -- '{letter}'"))?;
                    match letter {
                        'u' => request.user = Some(value),
                        'g' => request.group = Some(value),
                        'D' => request.folder = Some(value),
                        _ => {}
                    }
                    break;
                }
                match letter {
                    'E' => request.keeps_environment = true,
                    'i' => request.is_login = true,
                    's' => request.is_shell = true,
                    'b' => request.is_in_background = true,
                    'l' => request.asked = Some(Asked::List),
                    'V' => request.asked = Some(Asked::Version),
                    'v' | 'K' => request.asked = Some(Asked::Nothing),
                    'H' => request.sets_home = true,
                    'k' | 'n' | 'S' | 'A' | 'B' | 'N' | 'P' => {}
                    _ => return Err(format!("invalid option -- '{letter}'")),
                }
            }
            continue;
        }
        match text.split_once('=') {
            Some((name, value)) if is_variable(name) => {
                request.variables.push((name.to_owned(), value.to_owned()));
            }
            Some(_) | None => {
                request.command.push(word);
                break;
            }
        }
    }
    request.command.extend(words);
    let has_work = !request.command.is_empty() || request.is_login || request.is_shell;
    if !has_work && request.asked.is_none() {
        // `sudo -k` alone forgets a password, and there is none.
        let forgets = env::args().skip(1).any(|word| word == "-k" || word == "--reset-timestamp");
        if forgets {
            request.asked = Some(Asked::Nothing);
        } else {
            return Err("a command is needed: sudo [-u USER] [NAME=VALUE …] COMMAND".to_owned());
        }
    }
    Ok(request)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn accounts() -> Vec<Account> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, user, group, _, home, shell] = fields.as_slice() else { return None };
        let shell = if shell.is_empty() { "/bin/sh" } else { shell };
        Some(Account {
            name: (*name).to_owned(),
            user: user.parse().ok()?,
            group: group.parse().ok()?,
            home: (*home).to_owned(),
            shell: shell.to_owned(),
        })
    };
    text.lines().filter_map(account).collect()
}

/// Returns names and numbers of the groups of somebody, with the own one.
fn groups(of: &Account) -> Vec<(String, u32)> {
    let text = fs::read_to_string("/etc/group").unwrap_or_default();
    let group = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, number, members] = fields.as_slice() else { return None };
        let number: u32 = number.parse().ok()?;
        let is_member = number == of.group || members.split(',').any(|member| member == of.name);
        is_member.then(|| ((*name).to_owned(), number))
    };
    text.lines().filter_map(group).collect()
}

fn group_number(name: &str) -> Option<u32> {
    if let Some(number) = name.strip_prefix('#') {
        return number.parse().ok();
    }
    let text = fs::read_to_string("/etc/group").ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

fn may(caller: &Account) -> bool {
    let groups = groups(caller);
    if groups.iter().any(|(name, _)| GROUPS.contains(&name.as_str())) {
        return true;
    }
    let mut files = vec![Path::new("/etc/sudoers").to_owned()];
    // As sudo has it, so that what packages and editors leave beside a file is none.
    let is_rules = |name: &[u8]| !name.contains(&b'.') && !name.ends_with(b"~");
    let entries = fs::read_dir("/etc/sudoers.d").into_iter().flatten().flatten();
    files.extend(entries.filter(|entry| is_rules(entry.file_name().as_bytes())).map(|entry| entry.path()));
    let is_meant = |who: &str| match who.strip_prefix('%') {
        Some(group) => groups.iter().any(|(own, number)| own == group || is_number(group, *number)),
        None => who == "ALL" || who == caller.name || is_number(who, caller.user),
    };
    // Of several in one line that mean somebody the last one counts.
    let says = |line: &str| {
        let users = users_of(line);
        let last = users.iter().rev().find(|who| is_meant(who.trim_start_matches('!')));
        last.is_some_and(|who| !who.starts_with('!'))
    };
    let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    texts.into_iter().any(|text| text.replace("\\\n", " ").lines().any(says))
}

fn is_number(text: &str, number: u32) -> bool {
    text.strip_prefix('#').and_then(|digits| digits.parse().ok()) == Some(number)
}

/// Returns who a line of rules is about: names with commas, and maybe spaces, between them, before the hosts.
fn users_of(line: &str) -> Vec<String> {
    let line = line.trim();
    let is_setting = line.split_once("_Alias").is_some_and(|(kind, _)| !kind.contains([' ', '\t', '=']))
        || line.starts_with("Defaults")
        || line.starts_with(['@', '"']);
    if is_setting || !line.contains('=') {
        return Vec::new();
    }
    let mut users = String::new();
    for word in line.split_whitespace() {
        if !users.is_empty() && !users.ends_with(',') && !word.starts_with(',') {
            break;
        }
        users.push_str(word);
    }
    users.split(',').filter(|who| !who.is_empty()).map(str::to_owned).collect()
}

fn become_somebody(request: &Request, caller: &Account, target: &Account) -> ! {
    let mut environment = environment(request, caller, target);
    let (program, arguments): (OsString, Vec<OsString>) = if request.is_login || request.is_shell {
        let own = env::var("SHELL").ok().filter(|shell| request.is_shell && !shell.is_empty());
        let shell = if request.is_login { target.shell.clone() } else { own.unwrap_or(target.shell.clone()) };
        let mut arguments = Vec::new();
        if request.is_login {
            arguments.push("-l".into());
        }
        if !request.command.is_empty() {
            arguments.push("-c".into());
            arguments.push(quoted(&request.command));
        }
        (shell.into(), arguments)
    } else {
        (request.command[0].clone(), request.command[1..].to_vec())
    };
    let Some(found) = find(&program, &environment["PATH"]) else {
        fail(&format!("{}: command not found", program.to_string_lossy()));
    };
    let line: Vec<String> =
        std::iter::once(&found).chain(&arguments).map(|word| word.to_string_lossy().into_owned()).collect();
    environment.insert("SUDO_COMMAND".to_owned(), line.join(" "));
    let group = match &request.group {
        Some(name) => group_number(name).unwrap_or_else(|| fail(&format!("unknown group {name}"))),
        None => target.group,
    };
    let mut numbers = vec![group];
    numbers.extend(groups(target).into_iter().map(|(_, number)| number).filter(|number| *number != group));
    let mut command = Command::new(&found);
    command.arg0(&program).args(arguments).env_clear().envs(environment);
    let folder = match (&request.folder, request.is_login) {
        (Some(folder), _) => Some(folder.as_str()),
        (None, true) => Some(target.home.as_str()).filter(|home| Path::new(home).is_dir()),
        (None, false) => None,
    };
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    // Where there is but one id, nothing can be taken, and nothing has to.
    let is_same = caller.user == target.user && request.group.is_none();
    if !take_ids(target.user, group, &numbers) && !is_same {
        fail("it has not the rights of root; does it still belong to root, with the mode 4755?");
    }
    // From here on the process is somebody else for good.
    if request.is_in_background {
        match command.spawn() {
            Ok(_) => exit(0),
            Err(error) => fail(&format!("unable to execute {}: {error}", found.to_string_lossy())),
        }
    }
    let error = command.exec();
    fail(&format!("unable to execute {}: {error}", found.to_string_lossy()));
}

/// Becomes somebody. The library's own way would forget the groups where the caller is root.
fn take_ids(user: u32, group: u32, groups: &[u32]) -> bool {
    // SAFETY: the list is alive and as long as is said, and is only read; the others take numbers alone.
    unsafe {
        setgroups(groups.len(), groups.as_ptr()) == 0
            && setresgid(group, group, group) == 0
            && setresuid(user, user, user) == 0
    }
}

fn environment(request: &Request, caller: &Account, target: &Account) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    // Who logs in begins with nothing.
    let keeps_all = request.keeps_environment && !request.is_login;
    for (name, value) in env::vars_os() {
        let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else { continue };
        let is_kept = (keeps_all && !is_unsafe(&name, &value))
            || KEPT.contains(&name.as_str())
            || name.starts_with("LC_")
            || request.kept.contains(&name);
        if is_kept {
            all.insert(name, value);
        }
    }
    let mail = format!("/var/mail/{}", target.name);
    let own = [
        ("HOME", target.home.as_str()),
        ("LOGNAME", &target.name),
        ("USER", &target.name),
        ("SHELL", &target.shell),
        ("MAIL", &mail),
        ("PATH", SECURE_PATH),
        ("SUDO_USER", &caller.name),
    ];
    for (name, value) in own {
        let is_named = request.kept.iter().any(|kept| kept == name);
        let stays = match name {
            "PATH" | "SUDO_USER" => false,
            "HOME" => is_named || (keeps_all && !request.sets_home),
            "MAIL" | "SHELL" => is_named || keeps_all,
            _ => is_named,
        };
        if !stays || !all.contains_key(name) {
            all.insert(name.to_owned(), value.to_owned());
        }
    }
    all.insert("SUDO_UID".to_owned(), caller.user.to_string());
    all.insert("SUDO_GID".to_owned(), caller.group.to_string());
    all.extend(request.variables.iter().cloned());
    all
}

/// Whether a variable is never kept by a wish for all. Functions of a shell are such by their values.
fn is_unsafe(name: &str, value: &str) -> bool {
    let is_meant = |one: &&str| match one.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == *one,
    };
    value.starts_with("()") || UNSAFE.iter().any(|one| is_meant(&one))
}

/// Makes one line of words, for a shell that is to see the same words.
fn quoted(words: &[OsString]) -> OsString {
    let mut line = Vec::new();
    for word in words {
        if !line.is_empty() {
            line.push(b' ');
        }
        for byte in word.as_bytes() {
            if !(byte.is_ascii_alphanumeric() || b"_-$".contains(byte)) && byte.is_ascii() {
                line.push(b'\\');
            }
            line.push(*byte);
        }
    }
    std::os::unix::ffi::OsStringExt::from_vec(line)
}

fn find(program: &OsString, path: &str) -> Option<OsString> {
    use std::os::unix::fs::PermissionsExt;
    let is_program = |path: &Path| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    if program.as_bytes().contains(&b'/') {
        return is_program(Path::new(program)).then(|| program.clone());
    }
    let candidates = path.split(':').map(|folder| Path::new(folder).join(program));
    candidates.into_iter().find(|candidate| is_program(candidate)).map(Into::into)
}
