//! `charmproof crashdump`: everything about a model that helps to understand it later, in one archive.
//!
//! The layout is that of juju-crashdump, so that people and scripts that read those find their way: what
//! `juju` says of the model at the top, then a folder for each machine with what lies in the places where
//! logs are, and a link to it for each unit. That program knows no pods; theirs have a folder for each
//! container. Only commands of `juju` are used, so what is in the archive is what a person could have seen.

mod archive;

use std::process::{Child, Command, Stdio};
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
    let written = dump.write(&path, &name);
    if let Err(failure) = written {
        // Half an archive would be taken for a whole one.
        let _ = fs_err::remove_file(&path);
        return Err(failure);
    }
    if cancel.is_cancelled() {
        let _ = fs_err::remove_file(&path);
        return Ok(Exit::Interrupted);
    }
    output::result(path.as_str());
    Ok(Exit::Fine)
}

/// Whether a name can be part of the name of a file.
fn is_name(name: &str) -> bool {
    let is_fine = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    !name.is_empty() && name.len() <= 100 && name.chars().all(is_fine)
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
    fn write(&self, path: &Utf8Path, name: &str) -> Result<(), Failure> {
        let cannot = |error: &std::io::Error| Failure::of(&format!("`{path}` cannot be written"), error);
        // Asked first: a model that is not there leaves no archive.
        let status = self.asked(&["status", "--format=json"]).map_err(|said| {
            Failure::usage(format!("`juju status` failed: {said}"))
                .hint("-m names a model; `charmproof juju models` lists them")
                .exit(Exit::CouldNotRun)
        })?;
        let status: Value = serde_json::from_slice(&status)
            .map_err(|error| Failure::of("`juju status` cannot be read", &error))?;
        let mut archive =
            Archive::create(path, name, self.args.compression).map_err(|error| cannot(&error))?;
        for (file, words) in QUESTIONS {
            match self.asked(words) {
                Ok(text) => archive.file(file, &text).map_err(|error| cannot(&error))?,
                Err(said) => self.warn(&format!("no {file}: `juju {}` failed: {said}", words.join(" "))),
            }
        }
        if let Ok(log) = fs_err::read(self.local.data.join("supervisor.log")) {
            archive.file("supervisor.log", &log).map_err(|error| cannot(&error))?;
        }
        for target in targets(&status) {
            if self.cancel.is_cancelled() {
                return Ok(());
            }
            self.copy_target(&mut archive, &target).map_err(|error| cannot(&error))?;
        }
        archive.finish().map_err(|error| cannot(&error))
    }

    /// Copies the files of a machine or a pod, and links those units to it that live there.
    fn copy_target(&self, archive: &mut Archive, target: &Target) -> std::io::Result<()> {
        match target {
            Target::Machine { id, units } => {
                let folder = if id.contains('/') { id.clone() } else { format!("{id}/baremetal") };
                self.copy(archive, &folder, &[id])?;
                for unit in units {
                    archive.link(&unit.replace('/', "_"), &folder)?;
                }
            }
            Target::Pod { unit } => {
                let folder = unit.replace('/', "_");
                self.copy(archive, &format!("{folder}/charm"), &[unit])?;
                // Juju's own agent sees the containers of its pod as folders here.
                let listed = self.asked(&["ssh", unit, "ls", "/charm/containers"]).unwrap_or_default();
                for container in
                    String::from_utf8_lossy(&listed).split_whitespace().filter(|name| is_name(name))
                {
                    self.copy(archive, &format!("{folder}/{container}"), &["--container", container, unit])?;
                }
            }
        }
        Ok(())
    }

    /// Copies what lies in the known places of one root.
    fn copy(&self, archive: &mut Archive, folder: &str, whom: &[&str]) -> std::io::Result<()> {
        let mut places: Vec<&str> = PLACES.to_vec();
        if !self.args.small {
            places.push(STATE);
        }
        places.extend(self.args.extra_dirs.iter().map(String::as_str));
        let script = script(&places, self.args.max_file_size, &self.args.exclude);
        let packed = self.work.join("files.tar");
        let words: Vec<&str> = ["ssh", "--pty=false"]
            .into_iter()
            .chain(whom.iter().copied())
            // One word: what is behind a machine is joined and handed to a shell there, as ssh does.
            .chain([script.as_str()])
            .collect();
        let shown = whom.join(" ");
        let ended = self.juju(&words, Some(&packed)).and_then(|mut child| self.wait(&mut child));
        if let Err(said) = ended {
            self.warn(&format!("{shown}: its files are not in the dump: {said}"));
            return Ok(());
        }
        let Copied { files, refused } = archive.copy_from(&packed, folder, self.args.max_file_size)?;
        let _ = fs_err::remove_file(&packed);
        if refused > 0 {
            self.warn(&format!(
                "{shown}: {refused} entries were left out: they are no plain files, or lead elsewhere"
            ));
        }
        if files == 0 {
            self.warn(&format!("{shown}: no files; perhaps it has no `find` or `tar`"));
        }
        Ok(())
    }

    /// Returns what a command of `juju` printed, or the last line of what it complained about.
    fn asked(&self, words: &[&str]) -> Result<Vec<u8>, String> {
        let file = self.work.join("answer");
        let mut child = self.juju(words, Some(&file))?;
        self.wait(&mut child)?;
        fs_err::read(&file).map_err(|error| error.to_string())
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

    /// Waits until a command has ended well; the error is what it said, or that it took too long.
    fn wait(&self, child: &mut Child) -> Result<(), String> {
        let limit = Duration::from_secs(self.args.timeout);
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                if status.success() {
                    return Ok(());
                }
                let said = fs_err::read(self.complaints()).unwrap_or_default();
                let said = String::from_utf8_lossy(&said);
                let last = said.lines().rfind(|line| !line.trim().is_empty());
                return Err(last.map_or_else(|| status.to_string(), |line| line.trim().to_owned()));
            }
            if begun.elapsed() > limit || self.cancel.is_cancelled() {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it did not end within {} s (--timeout)", limit.as_secs()));
            }
            std::thread::sleep(POLL);
        }
    }

    fn warn(&self, text: &str) {
        if !self.is_quiet {
            say(&format!("warning: {text}"));
        }
    }
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
    let machines = entries(&status["machines"]);
    let ids = machines.iter().flat_map(|(id, machine)| {
        std::iter::once(id.clone()).chain(entries(&machine["containers"]).into_iter().map(|(id, _)| id))
    });
    ids.map(|id| {
        let here = units.iter().filter(|(_, machine)| *machine == id.as_str());
        Target::Machine { units: here.map(|(unit, _)| unit.clone()).collect(), id: id.clone() }
    })
    .collect()
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
        "find {} -mount -type f -size -{}c -print0 2>/dev/null | \
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
            "machines": {"0": {"containers": {"0/lxd/1": {}}}, "1": {}},
            "applications": {
                "web": {"units": {"web/0": {"machine": "0", "subordinates": {"log/0": {}}}}},
                "db": {"units": {"db/0": {"machine": "0/lxd/1"}}},
                "log": {"subordinate-to": ["web"]},
            },
        });
        let machine = |id: &str, units: &[&str]| Target::Machine {
            id: id.to_owned(),
            units: units.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            targets(&status),
            [machine("0", &["web/0", "log/0"]), machine("0/lxd/1", &["db/0"]), machine("1", &[])]
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
            "find /var/log '/tmp/a b'*/c -mount -type f -size -100c -print0 2>/dev/null | \
             tar -cf - --exclude '*.gz' --null --files-from - 2>/dev/null; true"
        );
    }

    #[test]
    fn names_stay_in_their_folder() {
        for (name, expected) in [("a-1_b.c", true), ("", false), ("../x", false), ("a b", false)] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }
}
