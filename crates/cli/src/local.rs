//! The folder of a local Juju: its data, and the programs that are put on a search path.
//!
//! A folder of links lies beside the data. The program tells by the name that it is called by what it
//! is to be: `juju`, or `charmcraft`. Nothing is installed: who does not ask for these links finds the
//! real programs, and taking the folder off the search path is all it takes to be rid of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_fleet::process::find_on_path;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

/// The names that the program is called by, other than its own.
pub(crate) const NAMES: [&str; 2] = ["juju", "charmcraft"];
/// Says where a Juju keeps what it knows. Juju's own variable, so that tools which look there find ours.
pub(crate) const DATA_VARIABLE: &str = "JUJU_DATA";
/// Says where what units ran and what tests ran is written down: a file with one object a line.
pub(crate) const EVENTS_FILE: &str = "events.jsonl";
/// Grows by one byte with each change of any model: `b` while something is queued or runs, `q` when
/// nothing is any more.
pub(crate) const CHANGES_FILE: &str = "changes";
/// The controllers that a new local Juju has.
const MACHINES: &str = "concierge-lxd";
const KUBERNETES: &str = "concierge-k8s";
pub(crate) const CONTROLLERS: [&str; 2] = [MACHINES, KUBERNETES];
/// The folder of links, in the folder of the data.
const SHIMS: &str = "shims";
/// A link in the folder of links that leads to the data, for calls that were handed no variables.
const DATA_LINK: &str = "data";
/// How long processes have to end in order.
const GRACE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);
/// So many looks at all processes in a row that find none mean that there is none.
const LOOKS_WITHOUT: u32 = 2;

/// A folder of a local Juju, laid out.
#[derive(Clone, Debug)]
pub(crate) struct LocalJuju {
    /// The folder of its data.
    pub(crate) data: Utf8PathBuf,
    /// The folder of the links.
    pub(crate) shims: Utf8PathBuf,
}

impl LocalJuju {
    /// Makes the folder, which only the user can look into, and the links to the program.
    pub(crate) fn lay_out(data: &Utf8Path, program: &Utf8Path) -> io::Result<Self> {
        if let Some(above) = data.parent() {
            fs_err::create_dir_all(above)?;
        }
        match std::fs::DirBuilder::new().mode(0o700).create(data) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        fs_err::set_permissions(data, std::fs::Permissions::from_mode(0o700))?;
        let data = data.canonicalize_utf8()?;
        let shims = data.join(SHIMS);
        fs_err::create_dir_all(&shims)?;
        for name in NAMES {
            link(program, &shims.join(name))?;
        }
        link(&data, &shims.join(DATA_LINK))?;
        Ok(Self { data, shims })
    }

    /// Returns the variables that make these programs and this data the ones that are used.
    pub(crate) fn variables(&self, search_path: &str) -> BTreeMap<String, String> {
        let rest = search_path.split(':').filter(|folder| !folder.is_empty() && *folder != self.shims);
        let path: Vec<&str> = std::iter::once(self.shims.as_str()).chain(rest).collect();
        [("PATH", path.join(":")), (DATA_VARIABLE, self.data.to_string())]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    pub(crate) fn events(&self) -> Utf8PathBuf {
        self.data.join(EVENTS_FILE)
    }

    /// Asks it something with the variables of a suite, which also hold for whatever that starts. The error
    /// is what `juju` said.
    pub(crate) fn ask(&self, words: &[&str], suite: &Command) -> Result<String, String> {
        let mut command = Command::new(self.shims.join("juju"));
        command.args(words).stdin(Stdio::null());
        command.envs(suite.get_envs().filter_map(|(name, value)| Some((name, value?))));
        match command.output() {
            Ok(output) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
            }
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Returns the names of all models, as [`Self::ask`] asks.
    pub(crate) fn models(&self, suite: &Command) -> BTreeSet<String> {
        #[derive(Deserialize)]
        struct List {
            models: Vec<Model>,
        }
        #[derive(Deserialize)]
        struct Model {
            #[serde(rename = "short-name")]
            name: String,
        }
        let lists = CONTROLLERS.into_iter().filter_map(|controller| {
            let said = self.ask(&["models", "--controller", controller, "--format", "json"], suite).ok()?;
            serde_json::from_str::<List>(&said).ok()
        });
        lists.flat_map(|list| list.models).map(|model| model.name).collect()
    }

    /// The file that grows with each change.
    pub(crate) fn changes(&self) -> Utf8PathBuf {
        self.data.join(CHANGES_FILE)
    }
}

/// Returns the controller whose units are as a charm's are: what needs containers is deployed to
/// Kubernetes. A suite that wants another says so itself.
pub(crate) fn usual_controller(has_containers: bool) -> &'static str {
    if has_containers { KUBERNETES } else { MACHINES }
}

/// Ends every process that was started for some data, wherever it is by now: what it was handed in its
/// environment tells. Machines and hooks end with whoever started them.
pub(crate) fn end_processes_of(data: &Utf8Path) {
    for signal in [Signal::TERM, Signal::KILL] {
        let begun = Instant::now();
        let mut asked = BTreeSet::new();
        let mut looks_without = 0;
        while begun.elapsed() < GRACE {
            let living = processes_with(DATA_VARIABLE, data.as_str());
            // One that is about to execute a program shows no environment for a moment.
            looks_without = if living.is_empty() { looks_without + 1 } else { 0 };
            if looks_without == LOOKS_WITHOUT {
                return;
            }
            for process in living {
                if asked.insert(process.as_raw_nonzero()) {
                    // One that ended meanwhile is what was wanted.
                    let _ = kill_process(process, signal);
                }
            }
            std::thread::sleep(POLL);
        }
    }
}

/// Returns the data that a call of `juju` belongs to: what the variable names, that beside the link that
/// it was called by, or the user's own.
pub(crate) fn data_of_call(
    called: &str,
    variables: &BTreeMap<String, String>,
    program: &Utf8Path,
) -> Option<Utf8PathBuf> {
    let search_path = variables.get("PATH").map_or("", String::as_str);
    named_data(variables)
        .or_else(|| data_beside_link(called, search_path, program))
        .or_else(|| users_data(variables))
}

/// Returns the data that the variable names, unless another Juju lives there.
fn named_data(variables: &BTreeMap<String, String>) -> Option<Utf8PathBuf> {
    let named = variables.get(DATA_VARIABLE).filter(|named| !named.is_empty()).map(Utf8PathBuf::from)?;
    let usual_of_another = users_folder(variables).map(|folder| folder.join("juju"));
    let is_of_another = Some(&named) == usual_of_another.as_ref() || is_of_another(&named);
    (!is_of_another).then_some(named)
}

/// Returns where the user's own data is, which outlives a run.
fn users_data(variables: &BTreeMap<String, String>) -> Option<Utf8PathBuf> {
    Some(users_folder(variables)?.join("charmproof/juju"))
}

/// Returns the folder in which programs keep the user's data.
fn users_folder(variables: &BTreeMap<String, String>) -> Option<Utf8PathBuf> {
    let named =
        |name: &str| variables.get(name).filter(|value| value.starts_with('/')).map(Utf8PathBuf::from);
    named("XDG_DATA_HOME").or_else(|| Some(named("HOME")?.join(".local/share")))
}

/// Whether a folder belongs to a Juju that is not ours: a client keeps its controllers there.
fn is_of_another(data: &Utf8Path) -> bool {
    data.join("controllers.yaml").exists() && !data.join(SHIMS).exists()
}

/// Returns the data beside the link that a call came by, if it came by one of ours.
fn data_beside_link(called: &str, search_path: &str, program: &Utf8Path) -> Option<Utf8PathBuf> {
    let link = if called.contains('/') {
        Utf8PathBuf::from(called)
    } else {
        find_on_path(called, search_path, &[])?
    };
    let is_ours = link.read_link_utf8().is_ok_and(|target| target == program);
    is_ours.then(|| link.with_file_name(DATA_LINK).read_link_utf8().ok()).flatten()
}

/// Makes a link, in the place of whatever lies there. Others that do the same meanwhile see one of them.
fn link(target: &Utf8Path, path: &Utf8Path) -> io::Result<()> {
    if path.read_link_utf8().is_ok_and(|old| old == target) {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default();
    let temporary = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let _ = fs_err::remove_file(&temporary);
    fs_err::os::unix::fs::symlink(target, &temporary)?;
    fs_err::rename(&temporary, path)
}

/// Returns the processes whose environment has this, but the one that asks.
fn processes_with(name: &str, value: &str) -> Vec<Pid> {
    let wanted = format!("{name}={value}");
    let Ok(entries) = Utf8Path::new("/proc").read_dir_utf8() else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().parse::<i32>().ok())
        .filter(|pid| *pid != std::process::id().cast_signed())
        .filter(|pid| {
            // One that has ended and was not waited for has an empty environment.
            fs_err::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|word| word == wanted.as_bytes()))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        (folder, path)
    }

    #[test]
    fn links_lead_to_the_program_and_to_the_data() {
        let (_keep, root) = folder();
        let program = Utf8Path::new("/bin/true");
        let local = LocalJuju::lay_out(&root.join("a/b"), program).unwrap();
        for name in NAMES {
            assert_eq!(local.shims.join(name).read_link_utf8().unwrap(), program);
        }
        let mode = fs_err::metadata(&local.data).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "others can look into it");
        // Again, with another program.
        let local = LocalJuju::lay_out(&root.join("a/b"), Utf8Path::new("/bin/false")).unwrap();
        assert_eq!(local.shims.join("juju").read_link_utf8().unwrap(), "/bin/false");
    }

    #[test]
    fn a_call_by_a_link_knows_its_data() {
        let (_keep, root) = folder();
        let program = Utf8Path::new("/bin/true");
        let local = LocalJuju::lay_out(&root.join("data"), program).unwrap();
        let path = local.variables("/usr/bin:/bin")["PATH"].clone();
        assert_eq!(path, format!("{}:/usr/bin:/bin", local.shims));
        // Put in front twice, it is there once.
        assert_eq!(local.variables(&path)["PATH"], path);
        let variables: BTreeMap<String, String> =
            [("PATH".to_owned(), path.clone()), ("HOME".to_owned(), "/home/me".to_owned())].into();
        let users = Some(Utf8PathBuf::from("/home/me/.local/share/charmproof/juju"));
        let check = |called: &str, variables: &BTreeMap<String, String>, expected: Option<Utf8PathBuf>| {
            assert_eq!(data_of_call(called, variables, program), expected, "{called}");
        };
        check("juju", &variables, Some(local.data.clone()));
        check(local.shims.join("juju").as_str(), &variables, Some(local.data.clone()));
        check("/bin/true", &variables, users.clone());
        check("nothing", &variables, users);
        // What the variable names comes first, unless another Juju lives there.
        let named = root.join("named");
        let mut with_name = variables.clone();
        with_name.insert(DATA_VARIABLE.to_owned(), named.to_string());
        check("juju", &with_name, Some(named.clone()));
        fs_err::create_dir(&named).unwrap();
        fs_err::write(named.join("controllers.yaml"), "").unwrap();
        check("juju", &with_name, Some(local.data.clone()));
    }

    #[test]
    fn the_usual_data_is_what_the_variable_names() {
        let check = |named: &str, expected: &str| {
            let variables = [("HOME", "/home/me"), (DATA_VARIABLE, named)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
            let data = data_of_call("/bin/true", &variables.into(), Utf8Path::new("/bin/true"));
            assert_eq!(data, Some(expected.into()), "{named}");
        };
        check("/srv/juju", "/srv/juju");
        check("", "/home/me/.local/share/charmproof/juju");
        // There the real one has its own.
        check("/home/me/.local/share/juju", "/home/me/.local/share/charmproof/juju");
    }

    #[test]
    fn processes_of_the_data_are_ended_and_no_others() {
        let (_keep, root) = folder();
        let local = LocalJuju::lay_out(&root.join("data"), Utf8Path::new("/bin/true")).unwrap();
        let sleep = |data: &str| Command::new("sleep").arg("60").env(DATA_VARIABLE, data).spawn().unwrap();
        let (mut ours, mut other) = (sleep(local.data.as_str()), sleep(root.as_str()));
        let begun = Instant::now();
        // The test has to wait for it, as whoever started it would.
        let waiting = std::thread::spawn(move || ours.wait().unwrap());
        end_processes_of(&local.data);
        assert!(!waiting.join().unwrap().success());
        assert!(begun.elapsed() < GRACE, "a process that ends when it is asked to was killed");
        assert!(other.try_wait().unwrap().is_none(), "a process of other data was ended");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
