//! What the program is when it is called by another name: `juju`, `charmcraft` or, in a container, `pebble`.
//!
//! All of them have command lines of their own, which are not charmproof's; so the name is looked at before
//! anything is parsed.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use super::{charmcraft, complain, pebble, variables};
use crate::local::{DATA_VARIABLE, LocalJuju, data_of_call};

/// Serves a call by another name; `None` if this is none.
pub(super) fn serve(words: &[String]) -> Option<i32> {
    let called = words.first()?;
    match Utf8Path::new(called).file_name()? {
        "juju" => Some(juju(called, &words[1..])),
        "charmcraft" => Some(charmcraft::serve(&words[1..])),
        "pebble" => Some(pebble::call(&words[1..])),
        _ => None,
    }
}

/// The client of the local Juju. `called` is what it was called by: a link tells whose data is meant
/// where no variable does.
pub(super) fn juju(called: &str, words: &[String]) -> i32 {
    let variables = variables();
    let program = std::env::current_exe().ok().and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
    let Some(program) = program else {
        complain("it cannot find its own program");
        return 1;
    };
    let Some(data) = data_of_call(called, &variables, &program) else {
        complain("there is no place for the data of the local Juju; set JUJU_DATA or HOME");
        return 1;
    };
    if variables.get(DATA_VARIABLE).is_none_or(|named| *named != data) {
        // Whoever is started from here on has to know as well, so the variable is set for all of it.
        let laid = LocalJuju::lay_out(&data, &program);
        let error = match laid {
            Ok(local) => {
                Command::new(&program).arg0("juju").args(words).env(DATA_VARIABLE, local.data).exec()
            }
            Err(error) => error,
        };
        complain(&format!("`{data}` cannot be used for the local Juju: {error}"));
        return 1;
    }
    client(words, &program)
}

/// Hands the call to the local Juju. `juju crashdump` is a plugin on real hosts, and so it is here: a
/// program of its own.
fn client(words: &[String], program: &Utf8Path) -> i32 {
    if let Some(("crashdump", rest)) = words.split_first().map(|(word, rest)| (word.as_str(), rest)) {
        let error = Command::new(program).arg("crashdump").args(rest).exec();
        complain(&format!("`charmproof crashdump` cannot be started: {error}"));
        return 1;
    }
    let supervisor = [program.to_string(), "__supervisor".to_owned()];
    charmproof_juju::client::run(words.to_vec(), &supervisor)
}
