//! `charmproof crashdump`: everything about a model that helps to understand it later, in one archive.
//!
//! The layout is that of juju-crashdump, so that people and scripts that read those find their way: what
//! `juju` says of the model at the top, then a folder for each machine with what lies in the places where
//! logs are, and a link to it for each unit. That program knows no pods; theirs have a folder for each
//! container. Only commands of `juju` are used, so what is in the archive is what a person could have seen.

mod archive;

use std::collections::BTreeSet;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use charmproof_sandbox::CancelToken;
use serde_json::Value;

use self::archive::{Archive, Copied};
use super::env;
use super::work::WorkFolder;
use crate::args::CrashdumpArgs;
use crate::error::{Exit, Failure};
use crate::local::{DATA_VARIABLE, LocalJuju};
use crate::output::{self, say};
use crate::place::Place;

/// Where machines keep what tells how they fared: of juju-crashdump's list, what can be there.
const PLACES: [&str; 12] = [
    "/etc/alternatives",
    "/etc/cloud",
    "/etc/netplan",
    "/etc/network",
    "/etc/systemd/system",
    "/etc/udev/rules.d",
    "/var/crash",
    "/var/lib/charm",
    "/var/lib/cloud/seed",
    "/var/lib/pebble",
    "/var/log",
    "/tmp/juju-exec*/script.sh",
];
/// Left out of a small dump.
const STATE: &str = "/var/lib/juju";
/// What `juju` is asked about the model. Without the first there is no dump.
const QUESTIONS: [(&str, &[&str]); 6] = [
    ("juju_status.yaml", &["status", "--format=yaml"]),
    ("juju_status.txt", &["status", "--format=tabular", "--relations", "--storage"]),
    ("debug_log.txt", &["debug-log", "--date", "--replay", "--no-tail"]),
    ("model_config.yaml", &["model-config", "--format=yaml"]),
    ("storage.yaml", &["storage", "--format=yaml"]),
    ("storage_pools.yaml", &["storage-pools", "--format=yaml"]),
];
/// The most that is taken over of what a command prints.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// The most that the files of one machine or container take. Each may be small, and there may be any number.
const FILES_BYTES_MAX: u64 = 256 << 20;
/// The most that the names of a pod's containers take.
const CONTAINERS_BYTES_MAX: u64 = 64 << 10;
/// Where the last line of what a command complains about is looked for.
const COMPLAINT_BYTES_MAX: u64 = 64 << 10;
/// Why a command has no answer after Ctrl-C.
const INTERRUPTED: &str = "interrupted";
const POLL: Duration = Duration::from_millis(20);

pub(crate) fn run(
    place: &Place,
    args: &CrashdumpArgs,
    is_quiet: bool,
    cancel: &CancelToken,
) -> Result<Exit, Failure> {
    let local = env::local_juju(place, &args.data)?;
    let work = WorkFolder::new(&place.cache.work())?;
    let name = match &args.uniq {
        Some(name) if is_name(name) => name.clone(),
        Some(name) => {
            return Err(Failure::usage(format!("`{name}` is no name for a file"))
                .hint("--uniq takes letters, digits, `-`, `_` and `.`"));
        }
        None => fs_err::read_to_string("/proc/sys/kernel/random/uuid")
            .map_err(|error| Failure::of("the dump has no name", &error))?
            .trim()
            .to_owned(),
    };
    let folder: Utf8PathBuf = place.working_directory.join(&args.output_dir).components().collect();
    let path = folder.join(format!("juju-crashdump-{name}.tar.{}", args.compression.suffix()));
    let dump = Dump { place, args, local: &local, work: &work.path, is_quiet, cancel };
    // Asked first: a model that is not there leaves no archive.
    let status = match dump.status() {
        Err(_) if cancel.is_cancelled() => return Ok(Exit::Interrupted),
        asked => asked?,
    };
    let cannot = |error: std::io::Error| Failure::of(&format!("`{path}` cannot be written"), &error);
    // From here on the file is ours: one that was there already is refused, and stays.
    let archive = Archive::create(&path, &name, args.compression).map_err(cannot)?;
    let filled = dump.fill(archive, &status);
    if filled.is_err() || cancel.is_cancelled() {
        // Half an archive would be taken for a whole one.
        let _ = fs_err::remove_file(&path);
    }
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    filled.map_err(cannot)?;
    output::result(path.as_str());
    Ok(Exit::Fine)
}

/// Whether a name can be part of the name of a file, and is none that leads elsewhere.
fn is_name(name: &str) -> bool {
    let is_fine = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    name.len() <= 100
        && name.chars().all(is_fine)
        && name.contains(|letter: char| letter.is_ascii_alphanumeric())
}

struct Dump<'a> {
    place: &'a Place,
    args: &'a CrashdumpArgs,
    local: &'a LocalJuju,
    work: &'a Utf8Path,
    is_quiet: bool,
    cancel: &'a CancelToken,
}

impl Dump<'_> {
    fn status(&self) -> Result<Value, Failure> {
        let status = self.asked(&["status", "--format=json"], ANSWER_BYTES_MAX).map_err(|said| {
            Failure::usage(format!("`juju status` failed: {said}"))
                .hint("-m names a model; `charmproof juju models` lists them")
                .exit(Exit::CouldNotRun)
        })?;
        serde_json::from_slice(&status).map_err(|error| Failure::of("`juju status` cannot be read", &error))
    }

    /// Writes all that can be had into an archive, or as much as there is when it is interrupted.
    fn fill(&self, mut archive: Archive, status: &Value) -> std::io::Result<()> {
        for (file, words) in QUESTIONS {
            let asked = self.asked(words, ANSWER_BYTES_MAX);
            if self.cancel.is_cancelled() {
                return Ok(());
            }
            match asked {
                Ok(text) => archive.file(file, &text)?,
                Err(said) => self.warn(&format!("no {file}: `juju {}` failed: {said}", words.join(" "))),
            }
        }
        if let Ok(log) = fs_err::read(self.local.data.join("supervisor.log")) {
            archive.file("supervisor.log", &log)?;
        }
        for target in targets(status) {
            self.copy_target(&mut archive, &target)?;
            if self.cancel.is_cancelled() {
                return Ok(());
            }
        }
        archive.finish()
    }

    /// Copies the files of a machine or a pod, and links those units to it that live there.
    fn copy_target(&self, archive: &mut Archive, target: &Target) -> std::io::Result<()> {
        match target {
            Target::Machine { id, units } => {
                let folder = format!("{id}/baremetal");
                self.copy(archive, &folder, &[id], true)?;
                for unit in units {
                    archive.link(&unit.replace('/', "_"), &folder)?;
                }
            }
            Target::Pod { unit } => {
                let folder = unit.replace('/', "_");
                self.copy(archive, &format!("{folder}/charm"), &[unit], false)?;
                // Juju's own agent sees the containers of its pod as folders here.
                let words = ["ssh", unit, "ls", "/charm/containers"];
                let listed = self.asked(&words, CONTAINERS_BYTES_MAX).unwrap_or_default();
                for container in containers(&String::from_utf8_lossy(&listed)) {
                    if self.cancel.is_cancelled() {
                        return Ok(());
                    }
                    let whom = ["--container", container, unit];
                    self.copy(archive, &format!("{folder}/{container}"), &whom, false)?;
                }
            }
        }
        Ok(())
    }

    /// Copies what lies in the known places of one root. On machines, people have the rights of root for the
    /// asking only.
    fn copy(
        &self,
        archive: &mut Archive,
        folder: &str,
        whom: &[&str],
        is_machine: bool,
    ) -> std::io::Result<()> {
        let mut places: Vec<&str> = PLACES.to_vec();
        if !self.args.small {
            places.push(STATE);
        }
        places.extend(self.args.extra_dirs.iter().map(String::as_str));
        let mut script = script(&places, self.args.max_file_size, &self.args.exclude);
        if is_machine {
            script = format!("sudo sh -c {}", charmproof_fleet::process::shell_word(&script));
        }
        let packed = self.work.join("files.tar");
        let words: Vec<&str> = ["ssh", "--pty=false"]
            .into_iter()
            .chain(whom.iter().copied())
            // One word: what is behind a machine is joined and handed to a shell there, as ssh does.
            .chain([script.as_str()])
            .collect();
        let shown = whom.join(" ");
        let ended = self.juju(&words, Some(&packed));
        let ended = ended.and_then(|mut child| self.wait(&mut child, &packed, FILES_BYTES_MAX));
        if self.cancel.is_cancelled() {
            return Ok(());
        }
        match ended {
            Ok(Amount::Whole) => {}
            Ok(Amount::Start) => self.warn(&format!(
                "{shown}: its files are more than {} MiB; not all of them are in the dump",
                FILES_BYTES_MAX >> 20
            )),
            Err(said) => {
                self.warn(&format!("{shown}: its files are not in the dump: {said}"));
                return Ok(());
            }
        }
        let copied = archive.copy_from(&packed, folder, self.args.max_file_size, self.cancel);
        let _ = fs_err::remove_file(&packed);
        let Copied { files, refused } = copied?;
        if self.cancel.is_cancelled() {
            return Ok(());
        }
        if refused > 0 {
            self.warn(&format!(
                "{shown}: {refused} entries were left out: they are no plain files, or lead elsewhere"
            ));
        }
        if files == 0 {
            self.warn(&format!("{shown}: no files; perhaps it has no `find` or GNU `tar`"));
        }
        Ok(())
    }

    /// Returns the start of what a command of `juju` printed, or the last line of what it complained about.
    fn asked(&self, words: &[&str], bytes_max: u64) -> Result<Vec<u8>, String> {
        let path = self.work.join("answer");
        let mut child = self.juju(words, Some(&path))?;
        let amount = self.wait(&mut child, &path, bytes_max)?;
        let told = |error: std::io::Error| error.to_string();
        let file = fs_err::File::open(&path).map_err(told)?;
        if amount == Amount::Start || file.metadata().map_err(told)?.len() > bytes_max {
            let words = words.join(" ");
            self.warn(&format!("`juju {words}` printed a lot; what follows {bytes_max} bytes is left out"));
        }
        let mut answer = Vec::new();
        file.take(bytes_max).read_to_end(&mut answer).map_err(told)?;
        Ok(answer)
    }

    fn juju(&self, words: &[&str], to: Option<&Utf8Path>) -> Result<Child, String> {
        let told = |error: std::io::Error| error.to_string();
        let open = |path: &Utf8Path| {
            fs_err::File::create(path).map(|file| Stdio::from(file.into_parts().0)).map_err(told)
        };
        let mut command = Command::new(&self.place.program);
        command.arg("juju").args(words).env(DATA_VARIABLE, &self.local.data).stdin(Stdio::null());
        command.stdout(to.map_or_else(|| Ok(Stdio::null()), open)?).stderr(open(&self.complaints())?);
        if let Some(model) = &self.args.model {
            command.env("JUJU_MODEL", model);
        }
        command.spawn().map_err(told)
    }

    fn complaints(&self) -> Utf8PathBuf {
        self.work.join("complaints")
    }

    /// Returns the end of what the last command complained about. Some of that comes from machines.
    fn end_of_complaints(&self) -> std::io::Result<Vec<u8>> {
        let mut file = fs_err::File::open(self.complaints())?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(COMPLAINT_BYTES_MAX)))?;
        let mut said = Vec::new();
        file.take(COMPLAINT_BYTES_MAX).read_to_end(&mut said)?;
        Ok(said)
    }

    /// Waits until a command has ended well, or has written more than we take of it into its file. The error
    /// is what it said, that it took too long, or that we were interrupted.
    fn wait(&self, child: &mut Child, output: &Utf8Path, bytes_max: u64) -> Result<Amount, String> {
        let limit = Duration::from_secs(self.args.timeout);
        let ended = watch(child, limit, self.cancel, output, bytes_max).map_err(|error| error.to_string())?;
        match ended {
            Ended::Itself(status) if status.success() => Ok(Amount::Whole),
            Ended::TooMuch => Ok(Amount::Start),
            Ended::TooLong => Err(format!("it did not end within {} s (--timeout)", limit.as_secs())),
            Ended::Interrupted => Err(INTERRUPTED.to_owned()),
            Ended::Itself(status) => {
                // Ctrl-C reaches the command as well, and perhaps first.
                std::thread::sleep(POLL);
                if self.cancel.is_cancelled() {
                    return Err(INTERRUPTED.to_owned());
                }
                let said = self.end_of_complaints().unwrap_or_default();
                let said = String::from_utf8_lossy(&said);
                let last = said.lines().rfind(|line| !line.trim().is_empty());
                Err(last.map_or_else(|| status.to_string(), |line| line.trim().to_owned()))
            }
        }
    }

    fn warn(&self, text: &str) {
        if !self.is_quiet {
            say(&format!("warning: {text}"));
        }
    }
}

/// How much there is of what a command has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    Whole,
    /// There was more of it.
    Start,
}

/// How a command ended that was watched.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Itself(ExitStatus),
    /// Killed, for it had written too much.
    TooMuch,
    /// Killed, for its time was over.
    TooLong,
    /// Killed, for nobody wants to wait.
    Interrupted,
}

/// Waits for the end of a command that writes into a file, and kills it when that is more than `bytes_max`,
/// its time is over, or nobody wants to wait.
fn watch(
    child: &mut Child,
    limit: Duration,
    cancel: &CancelToken,
    output: &Utf8Path,
    bytes_max: u64,
) -> std::io::Result<Ended> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Itself(status));
        }
        let end = if cancel.is_cancelled() {
            Some(Ended::Interrupted)
        } else if fs_err::metadata(output).is_ok_and(|file| file.len() > bytes_max) {
            Some(Ended::TooMuch)
        } else {
            (begun.elapsed() > limit).then_some(Ended::TooLong)
        };
        if let Some(end) = end {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(end);
        }
        std::thread::sleep(POLL);
    }
}

/// Returns the containers of a pod, of what it lists: each once, for it may say anything. `charm` is the
/// folder of the charm's own.
fn containers(listed: &str) -> BTreeSet<&str> {
    listed.split_whitespace().filter(|name| is_name(name) && *name != "charm").collect()
}

/// What has files.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// A machine, and the units on it.
    Machine { id: String, units: Vec<String> },
    /// A unit in Kubernetes.
    Pod { unit: String },
}

/// Returns what has files, of a model's status.
fn targets(status: &Value) -> Vec<Target> {
    let none = serde_json::Map::new();
    let entries = |value: &Value| value.as_object().unwrap_or(&none).clone();
    let units: Vec<(String, Value)> = entries(&status["applications"])
        .values()
        .flat_map(|application| entries(&application["units"]))
        .flat_map(|(name, unit)| {
            // Subordinates live where their principal does.
            let machine = unit["machine"].clone();
            let below = entries(&unit["subordinates"]).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
            std::iter::once(name).chain(below).map(move |name| (name, machine.clone()))
        })
        .collect();
    if status["model"]["type"] == "caas" {
        return units.into_iter().map(|(unit, _)| Target::Pod { unit }).collect();
    }
    let machine = |id: String| {
        let here = units.iter().filter(|(_, machine)| *machine == id.as_str());
        Target::Machine { units: here.map(|(unit, _)| unit.clone()).collect(), id }
    };
    entries(&status["machines"]).into_iter().map(|(id, _)| machine(id)).collect()
}

/// Returns what a root is told: to pack its files that are small enough. What it cannot read is left out,
/// as juju-crashdump does.
fn script(places: &[&str], max_file_size: u64, exclude: &[String]) -> String {
    let places: Vec<String> = places.iter().map(|place| globbed(place)).collect();
    let exclude: String = exclude
        .iter()
        .map(|name| format!(" --exclude {}", charmproof_fleet::process::shell_word(name)))
        .collect();
    format!(
        "find {} -xdev -type f -size -{}c -print0 2>/dev/null | \
         tar -cf -{exclude} --null --files-from - 2>/dev/null; true",
        places.join(" "),
        max_file_size.saturating_add(1),
    )
}

/// Quotes a path for a shell, but for its stars.
fn globbed(path: &str) -> String {
    let parts: Vec<String> = path
        .split('*')
        .map(|part| if part.is_empty() { String::new() } else { charmproof_fleet::process::shell_word(part) })
        .collect();
    parts.join("*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_have_units_and_pods_are_units() {
        let status = serde_json::json!({
            "model": {"type": "iaas"},
            "machines": {"0": {}, "1": {}, "2": {}},
            "applications": {
                "web": {"units": {"web/0": {"machine": "0", "subordinates": {"log/0": {}}}}},
                "db": {"units": {"db/0": {"machine": "1"}}},
                "log": {"subordinate-to": ["web"]},
            },
        });
        let machine = |id: &str, units: &[&str]| Target::Machine {
            id: id.to_owned(),
            units: units.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            targets(&status),
            [machine("0", &["web/0", "log/0"]), machine("1", &["db/0"]), machine("2", &[])]
        );
        let status = serde_json::json!({
            "model": {"type": "caas"},
            "applications": {"web": {"units": {"web/0": {}, "web/1": {}}}},
        });
        let pod = |unit: &str| Target::Pod { unit: unit.to_owned() };
        assert_eq!(targets(&status), [pod("web/0"), pod("web/1")]);
        assert_eq!(targets(&serde_json::json!({})), []);
    }

    #[test]
    fn roots_are_told_what_to_pack() {
        let told = script(&["/var/log", "/tmp/a b*/c"], 99, &["*.gz".to_owned()]);
        assert_eq!(
            told,
            "find /var/log '/tmp/a b'*/c -xdev -type f -size -100c -print0 2>/dev/null | \
             tar -cf - --exclude '*.gz' --null --files-from - 2>/dev/null; true"
        );
    }

    #[test]
    fn names_stay_in_their_folder() {
        for (name, expected) in [
            ("a-1_b.c", true),
            ("..1", true),
            ("", false),
            (".", false),
            ("..", false),
            ("-", false),
            ("../x", false),
            ("a b", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }

    #[test]
    fn containers_are_copied_once_each() {
        let names: Vec<&str> = containers("web\ndb\nweb\n../x\ncharm\n").into_iter().collect();
        assert_eq!(names, ["db", "web"]);
    }

    #[test]
    fn commands_end_when_they_must() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("output");
        let end_of = |script: &str, limit, cancel: &CancelToken| {
            let output = fs_err::File::create(&file).unwrap().into_parts().0;
            let mut child = Command::new("sh").args(["-c", script]).stdout(output).spawn().unwrap();
            watch(&mut child, limit, cancel, &file, 1 << 20).unwrap()
        };
        let (cancel, long) = (CancelToken::new().unwrap(), Duration::from_mins(1));
        let endless = "while :; do echo 0123456789012345678901234567890123456789; done";
        assert_eq!(end_of(endless, long, &cancel), Ended::TooMuch);
        assert_eq!(end_of("exec sleep 60", Duration::ZERO, &cancel), Ended::TooLong);
        assert!(
            matches!(end_of("echo a; exit 3", long, &cancel), Ended::Itself(status) if !status.success())
        );
        cancel.cancel();
        assert_eq!(end_of("exec sleep 60", long, &cancel), Ended::Interrupted);
    }
}
