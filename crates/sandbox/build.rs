//! Builds the programs behind `systemctl` and `sudo` in machines, which the crate carries along.
//!
//! They are no binaries of this crate, because then the crate could not hold them. They need the
//! standard library and nothing else, so the compiler is called directly. Where there is a
//! static C library, the programs need none of the machine's, and start faster.

use std::env;
use std::path::PathBuf;
use std::process::Command;

const FOLDER: &str = "src/services/client";
const PROGRAMS: [&str; 2] = ["systemctl", "sudo"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in PROGRAMS {
        println!("cargo::rerun-if-changed={FOLDER}/{name}.rs");
        let attempts = [true, false].map(|is_static| compile(name, is_static));
        if let [Err(static_error), Err(error)] = attempts {
            panic!("the program behind {name} cannot be built:\n{static_error}\n{error}");
        }
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

/// Compiles the program; a program that is there is not compiled again.
fn compile(name: &str, is_static: bool) -> Result<(), String> {
    let program = &PathBuf::from(variable("OUT_DIR")).join(name);
    if !is_static && program.exists() {
        return Ok(());
    }
    let _ = fs_err::remove_file(program);
    let mut command = Command::new(variable("RUSTC"));
    command.args(["--edition", "2024", "--crate-name", name, "--target", &variable("TARGET")]);
    command.args(["-C", "opt-level=2", "-C", "panic=abort", "-C", "strip=symbols"]);
    if is_static {
        command.args(["-C", "target-feature=+crt-static", "-C", "relocation-model=static"]);
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        command.arg("-C").arg(format!("linker={linker}"));
    }
    command.arg("-o").arg(program).arg(format!("{FOLDER}/{name}.rs"));
    let output = command.output().map_err(|error| format!("cannot run the compiler: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
