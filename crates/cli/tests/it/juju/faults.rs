//! What happens when something is killed, and when several ask at once.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Child;
use std::time::Duration;

use charmproof_testkit::wait_for;

use super::{LIMIT, Local, On, kill, processes_of};

#[test]
fn a_supervisor_killed_at_rest_is_not_missed() {
    for on in [On::Machines, On::Kubernetes] {
        let local = Local::new(on);
        local.deploy("tiny");
        local.juju(&["config", "tiny", "count=42"]).success();
        local.kill_supervisor();
        assert_eq!(local.juju(&["config", "tiny", "count"]).success().trim(), "42");
        local.settle("tiny/0", "active", "red");
        let greeting = local.juju(&["run", "tiny/0", "greet", "name=again"]).success();
        assert!(greeting.contains("hello again"), "{greeting}");
        local.end();
    }
}

#[test]
fn a_supervisor_that_is_told_to_go_is_followed_by_another() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    // At moments before, while and after it answers nobody any more.
    for pause_ms in [0, 150, 200, 250, 400] {
        kill(local.supervisors()[0].id, "TERM");
        std::thread::sleep(Duration::from_millis(pause_ms));
        assert_eq!(local.juju(&["config", "tiny", "colour"]).success().trim(), "red");
    }
    local.settle("tiny/0", "active", "red");
    local.end();
}

#[test]
fn a_hook_that_was_cut_off_runs_again() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["config", "tiny", "colour=slow"]).success();
    local.waits("tiny/0");
    let folder = local.charm_folder("tiny/0");
    local.kill_supervisor();
    fs_err::remove_file(folder.join("waits")).unwrap();
    assert_eq!(local.juju(&["config", "tiny", "colour"]).success().trim(), "slow");
    // As after a crash of the machine: the hook failed, or runs again at once.
    local.waits("tiny/0");
    local.go("tiny/0");
    wait_for("the hook to end", LIMIT, || {
        // `start` tells of the reboot, and config-changed comes with it.
        if folder.join("waits").exists() {
            local.go("tiny/0");
        }
        let unit = local.unit("tiny/0");
        unit["juju-status"]["current"] == "idle" && unit["workload-status"]["message"] == "slow"
    });
    local.end();
}

#[test]
fn a_supervisor_killed_while_it_deploys() {
    // At moments that are spread over what deploying takes.
    for pause_ms in [0, 60, 150, 300] {
        let local = Local::new(On::Machines);
        local.juju(&["deploy", "./tiny"]).success();
        std::thread::sleep(Duration::from_millis(pause_ms));
        local.kill_supervisor();
        local.settle("tiny/0", "active", "red");
        assert!(local.ran("tiny/0").contains(&"start".to_owned()), "{:?}", local.ran("tiny/0"));
        local.end();
    }
}

#[test]
fn who_comes_takes_no_address_of_those_who_come_back() {
    for on in [On::Machines, On::Kubernetes] {
        let local = Local::new(on);
        local.deploy("tiny");
        local.juju(&["deploy", "./tiny", "other"]).success();
        local.kill_supervisor();
        for unit in ["tiny/0", "other/0"] {
            local.settle(unit, "active", "red");
        }
        local.end();
    }
}

#[test]
fn a_machine_without_units_comes_back() {
    let local = Local::new(On::Machines);
    local.juju(&["add-machine"]).success();
    let answers = || local.juju(&["ssh", "0", "true"]).code == Some(0);
    wait_for("the machine", LIMIT, answers);
    local.kill_supervisor();
    wait_for("the machine to be back", LIMIT, answers);
    local.destroy(&[]);
}

#[test]
fn a_model_is_destroyed_after_the_supervisor_was_killed() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["config", "tiny", "colour=slow"]).success();
    local.waits("tiny/0");
    local.kill_supervisor();
    local.destroy(&["--force"]);
}

#[test]
fn a_hook_that_was_killed_has_failed() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["config", "tiny", "colour=slow"]).success();
    let id = local.waits("tiny/0");
    for process in processes_of("JUJU_CONTEXT_ID", &id) {
        kill(process, "KILL");
    }
    local.settle("tiny/0", "error", "hook failed: \"config-changed\"");
    assert!(local.log().contains("failed: signal: 9"), "{}", local.log());
    local.juju(&["config", "tiny", "colour=blue"]).success();
    local.juju(&["resolved", "tiny/0"]).success();
    local.settle("tiny/0", "active", "blue");
    local.end();
}

/// Kills all that runs where a unit lives, by its first process.
fn kill_place(local: &Local) {
    let supervisor = local.supervisors()[0].id;
    let launched = children(supervisor);
    let first = launched.iter().find_map(|launcher| children(*launcher).first().copied());
    let first = first.expect("a machine or pod runs");
    kill(first, "KILL");
    wait_for("the machine to be gone", LIMIT, || {
        !children(supervisor).iter().any(|id| children(*id).contains(&first))
    });
}

fn children(process: u32) -> Vec<u32> {
    let text = fs_err::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|task| fs_err::read_to_string(task.path().join("children")).unwrap_or_default());
    text.collect::<String>().split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

#[test]
fn a_place_that_is_gone_comes_back() {
    for on in [On::Machines, On::Kubernetes] {
        let local = Local::new(on);
        local.deploy("tiny");
        local.juju(&["exec", "--unit", "tiny/0", "echo mine > own"]).success();
        let before = local.ran("tiny/0").len();
        kill_place(&local);
        // The next that is asked of the unit is done.
        let own = local.juju(&["exec", "--unit", "tiny/0", "cat own"]).success();
        assert_eq!(own, "mine\n", "{}", local.log());
        wait_for("the hooks of a reboot", LIMIT, || {
            local.ran("tiny/0")[before..].contains(&"start".to_owned())
        });
        local.settle("tiny/0", "active", "red");
        local.end();
    }
}

#[test]
fn a_place_that_goes_in_the_middle_of_a_hook_comes_back() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["config", "tiny", "colour=slow"]).success();
    local.waits("tiny/0");
    let folder = local.charm_folder("tiny/0");
    fs_err::remove_file(folder.join("waits")).unwrap();
    kill_place(&local);
    local.waits("tiny/0");
    local.juju(&["config", "tiny", "colour=red"]).success();
    wait_for("the hook to end", LIMIT, || {
        if folder.join("waits").exists() {
            local.go("tiny/0");
        }
        let unit = local.unit("tiny/0");
        unit["juju-status"]["current"] == "idle" && unit["workload-status"]["message"] == "red"
    });
    local.end();
}

#[test]
fn an_action_whose_place_goes_has_failed() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let asked = local.spawn(&["run", "tiny/0", "linger"]);
    local.waits("tiny/0");
    kill_place(&local);
    let output = asked.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("place is gone"), "{said}");
    local.settle("tiny/0", "active", "red");
    local.end();
}

#[test]
fn many_clients_at_once() {
    const CLIENTS: usize = 12;
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let local = &local;
            scope.spawn(move || {
                for round in 0..4 {
                    let count = format!("count={}", client * 10 + round);
                    local.juju(&["config", "tiny", &count]).success();
                    assert!(!local.unit("tiny/0").is_null());
                }
            });
        }
    });
    local.settle("tiny/0", "active", "red");
    local.end();
}

#[test]
fn many_first_commands_start_one_supervisor() {
    let local = Local::bare();
    let children: Vec<Child> =
        (0..8).map(|number| local.spawn(&["add-model", &format!("m{number}"), "localhost"])).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(local.supervisors().len(), 1);
    for number in 0..8 {
        local.juju(&["destroy-model", &format!("m{number}"), "--no-prompt"]).success();
    }
    wait_for("the supervisor to end", LIMIT, || local.supervisors().is_empty());
}

#[test]
fn nobody_else_gets_in() {
    let local = Local::new(On::Machines);
    let mode = fs_err::metadata(&local.data).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "others can look into the data");
    local.deploy("tiny");
    // Somebody else cannot even connect, also where the folder was opened by mistake.
    for folder in [local.env.root(), local.data.as_path()] {
        fs_err::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let socket = local.data.join("supervisor.socket");
    let script = format!(
        "import os,socket\nos.setgid(65534); os.setuid(65534)\ns=socket.socket(socket.AF_UNIX)\n\
         try:\n s.connect('{socket}'); s.settimeout(5); print('answered' if s.recv(1) else 'closed')\n\
         except OSError as e: print(type(e).__name__)\n"
    );
    let output = std::process::Command::new("python3").args(["-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        ["closed", "PermissionError", "ConnectionResetError"].contains(&said.as_str()),
        "{said}{output:?}"
    );
    local.end();
}

#[test]
fn a_context_that_is_over_answers_nothing() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    local.juju(&["config", "tiny", "colour=slow"]).success();
    let old = local.waits("tiny/0");
    local.go("tiny/0");
    local.settle("tiny/0", "active", "slow");
    for (id, what) in [(old.as_str(), "over"), ("tiny/0-config-changed-0000000000000000", "invented")] {
        let tool = format!("JUJU_CONTEXT_ID={id} config-get colour");
        let result = local.juju(&["exec", "--unit", "tiny/0", &tool]);
        assert!(!result.stdout.contains("slow"), "a context that is {what} was answered\n{result}");
        assert!(result.to_string().contains("context"), "{result}");
    }
    // The right one of this unit says nothing to another unit's tools.
    local.juju(&["deploy", "./tiny", "other"]).success();
    local.settle("other/0", "active", "red");
    local.juju(&["config", "tiny", "colour=red"]).success();
    local.settle("tiny/0", "active", "red");
    local.juju(&["config", "tiny", "colour=slow"]).success();
    let id = local.waits("tiny/0");
    let tool = format!("JUJU_CONTEXT_ID={id} status-set blocked stolen");
    let result = local.juju(&["exec", "--unit", "other/0", &tool]);
    assert!(result.to_string().contains("context"), "{result}");
    assert_eq!(local.unit("tiny/0")["workload-status"]["message"], "slow");
    local.go("tiny/0");
    local.settle("tiny/0", "active", "slow");
    local.end();
}

#[test]
fn data_that_is_deleted_takes_its_models_along() {
    let local = Local::new(On::Machines);
    local.deploy("tiny");
    let (first, data) = (local.supervisors(), local.data.clone());
    fs_err::remove_dir_all(&data).unwrap();
    wait_for("what ran in the models to end", LIMIT, || {
        processes_of("JUJU_DATA", data.as_str()).is_empty() && local.supervisors().is_empty()
    });
    // Whoever comes next begins anew, and is not disturbed by the one that ends.
    assert_eq!(local.json(&["models"])["models"].as_array().map(Vec::len), Some(0));
    local.juju(&["add-model", "m", "localhost"]).success();
    assert_ne!(local.supervisors(), first);
    local.destroy(&[]);
}

/// A filesystem of its own that is full soon.
struct Small(camino::Utf8PathBuf);

impl Small {
    fn mount(path: &camino::Utf8Path) -> Self {
        fs_err::create_dir_all(path).unwrap();
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=24m,mode=700", "small", path.as_str()]);
        assert!(command.status().unwrap().success());
        Self(path.to_owned())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").args(["--lazy", self.0.as_str()]).status();
    }
}

#[test]
fn a_full_disk_is_told_of_and_forgotten() {
    if !rustix::process::getuid().is_root() {
        // Nobody else may mount a filesystem that is full.
        return;
    }
    let local = Local::bare();
    let _small = Small::mount(&local.data);
    local.charm("tiny", "1");
    local.juju(&["add-model", "m", "localhost"]).success();
    local.deploy("tiny");
    let filler = local.data.join("filler");
    let mut zeros = fs_err::File::create(&filler).unwrap();
    std::io::copy(&mut std::io::repeat(0), &mut zeros).unwrap_err();
    drop(zeros);
    let told = local.juju(&["config", "tiny", "colour=blue"]);
    assert!(told.stderr.contains("WARNING what has changed is in memory only"), "{told}");
    assert_eq!(told.code, Some(0));
    local.settle("tiny/0", "active", "blue");
    fs_err::remove_file(&filler).unwrap();
    wait_for("what is known to be written down", LIMIT, || {
        !local.juju(&["status"]).stderr.contains("in memory only")
    });
    local.kill_supervisor();
    assert_eq!(local.juju(&["config", "tiny", "colour"]).success().trim(), "blue");
    local.settle("tiny/0", "active", "blue");
    local.juju(&["destroy-model", "m", "--no-prompt"]).success();
    wait_for("the supervisor to end", LIMIT, || local.supervisors().is_empty());
}
